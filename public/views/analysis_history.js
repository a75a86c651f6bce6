// What was made of an incident before its newest analysis: folded, and asked for when somebody unfolds it.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Problem, Time } from '../lib/parts.js';
import { Text } from '../lib/text.js';
import { Origin, Said } from './analysis_parts.js';

/** before: the id of the newest one, which is shown above. @param {{ path: any, before: number }} props */
export function Earlier({ path, before }) {
  const [found, setFound] = useState(/** @type {{ items: any[], cursor: string | null } | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const load = async () => {
    setError(null);
    try {
      const page = await call('listAnalyses', { path, query: { cursor: found?.cursor ?? undefined } });
      const older = page.items.filter((/** @type {any} */ one) => one.id < before);
      setFound({ items: [...(found?.items ?? []), ...older], cursor: page.next_cursor });
    } catch (failed) {
      setError(failed);
    }
  };
  return html`<details class="earlier" onToggle=${(/** @type {any} */ event) => event.target === event.currentTarget && event.target.open && !found && load()}>
    <summary>Earlier analyses</summary>
    ${error ? html`<${Problem} error=${error} retry=${load} />` : !found ? html`<p class="muted">Loading…</p>`
      : !found.items.length ? html`<p class="muted">There is none before this one.</p>`
        : html`<ul>${found.items.map((one) => html`<li key=${one.id}><${One} of=${one} /></li>`)}</ul>
          ${found.cursor && html`<button class="small" onClick=${load}>Show more</button>`}`}
  </details>`;
}

/** One that says something unfolds; of another there is only why. @param {{ of: any }} props */
function One({ of: one }) {
  const when = html`<${Time} iso=${one.finished_at ?? one.created_at} ago=${true} />`;
  if (one.state !== 'done') return html`<p class="muted">${when} · ${one.reason_in_words ?? one.state}</p>`;
  return html`<details><summary>${when} · ${one.provenance.model ?? 'model not known'} · ${rated(one)} · <span class="muted">${one.confidence_in_words?.split(': ')[0]} confidence</span></summary>
    <div class="earlier-one"><${Said} of=${one} />${one.correction && html`<p class="note">Corrected by a person: <${Text} text=${one.correction.text} /></p>`}<${Origin} of=${one} /></div></details>`;
}

/** @param {any} one */
const rated = ({ rating }) => (rating === null ? 'not rated' : rating.helpful ? 'helpful' : 'not helpful');
