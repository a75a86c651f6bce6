// The list of incidents: what people keep open all day.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { count, counted } from '../lib/format.js';
import { assign, merge, setStatus } from '../lib/incident_actions.js';
import { changed, leftBehind, tell, useKept, useTold } from '../lib/kept_lists.js';
import { useKeys } from '../lib/keyboard.js';
import { useChanged, useEvery, useLoad } from '../lib/load.js';
import { Empty, Menu, Problem, Skeleton, useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { go, withQuery } from '../lib/router.js';
import { DEFAULT, HELP, SORTS, STATUSES, parse, toggled } from '../lib/search.js';
import { ChosenBar, useChosen } from './chosen.js';
import { Facets } from './facets.js';
import { IncidentRow } from './incident_row.js';
import { MergeChosen, MergeInto } from './merge.js';
import { Views } from './saved_views.js';
import { meOf } from './status_buttons.js';

const PAGE = 50;
const ARRIVALS_SECONDS = 10;

/** @param {any} props */
export default function Incidents({ account, project, place }) {
  useTitle(`Incidents of ${project.name}`);
  const line = place.query.get('q') ?? DEFAULT;
  const asked = place.query.get('sort') ?? '';
  const sort = Object.hasOwn(SORTS, asked) ? asked : 'last_seen';
  const span = place.query.get('trend') === '24h' ? '24h' : '14d';
  const [left] = useState(leftBehind);
  const list = useIncidents(project.id, line, sort, span, left);
  const facets = useFacets(project.id, line, list.loading);
  const chosen = useChosen(list.items);
  const [at, show] = useState(() => (left?.current ? list.items.findIndex((one) => one.id === left.current) : -1));
  // Where the next key acts, also before the list has been drawn anew.
  const cursor = useRef(at);
  /** @param {number} index */
  const setAt = (index) => {
    cursor.current = index;
    show(index);
  };
  const [narrowing, setNarrowing] = useState(false);
  const rows = useRef(/** @type {HTMLElement | null} */ (null));
  useChanged(() => (chosen.none(), setAt(-1)), [line, sort]);
  /** @param {number} index */
  const focusOn = (index) => {
    const link = rows.current?.querySelectorAll('a.title')[index];
    if (link instanceof HTMLElement) link.focus();
  };
  useLayoutEffect(() => {
    if (!left) return;
    scrollTo(0, left.scroll);
    if (at >= 0) focusOn(at);
  }, []);
  useKept(project.id, { first: list.loading || list.error ? null : list.data, more: list.more, current: list.items[at]?.id ?? null });

  const { picked } = chosen;
  const targets = () => (picked.length ? picked : list.items[cursor.current] ? [list.items[cursor.current]] : []);
  const apply = (/** @type {any[]} */ incidents) => (tell(incidents), facets.reload());
  const mayChange = may(project.workspace, 'incidents:write');
  /** @param {import('../lib/incident_actions.js').Change} change */
  const set = (change) => (chosen.none(), setStatus(project.id, targets(), change, apply));
  /** The next one is the next to be looked at, but for those that were chosen. @param {string} status */
  const setByKey = (status) => {
    set({ status });
    if (!picked.length && cursor.current >= 0) move(1);
  };
  const [merging, setMerging] = useState(/** @type {any[]} */ ([]));
  const askToMerge = () => setMerging(targets());
  /** @param {any[]} them the first one stays */
  const mergeThem = (them) => (chosen.none(), merge(project.id, them, list.reload));
  /** @param {number} step */
  const move = (step) => {
    const next = Math.max(0, Math.min(list.items.length - 1, cursor.current + step));
    setAt(next);
    focusOn(next);
  };
  /** @param {import('../lib/incident_actions.js').Person | null} person */
  const giveTo = (person) => assign(project.id, targets(), person, apply);
  const me = meOf(account);
  const changing = [
    { keys: 'x', label: 'Choose it; with Shift, all from the last one', act: (/** @type {KeyboardEvent} */ event) => list.items[cursor.current] && chosen.toggle(list.items[cursor.current].id, event.shiftKey) },
    { keys: 'a', label: 'Assign to me', act: () => me && giveTo(me) },
    { keys: 'e', label: 'Resolve', act: () => setByKey('resolved') },
    { keys: 'i', label: 'Ignore', act: () => setByKey('ignored') },
    { keys: 'o', label: 'Reopen', act: () => setByKey('open') },
    { keys: 'm', label: 'Merge it, or the chosen ones', act: askToMerge },
  ];
  useKeys([
    { keys: 'j', label: 'Next incident', act: () => move(1) },
    { keys: 'k', label: 'Previous incident', act: () => move(-1) },
    ...(mayChange ? changing : []),
    { keys: '/', label: 'Search', act: () => document.getElementById('search')?.focus() },
  ]);

  return html`<div class="incidents">
    <h1 class="hidden">Incidents of ${project.name}</h1>
    <${SearchBar} line=${line} />
    ${picked.length
      ? html`<${ChosenBar} account=${account} project=${project} picked=${picked} many=${list.items.length} onChange=${set} onAssign=${giveTo} onMerge=${askToMerge} onAll=${chosen.all} onNone=${chosen.none} />`
      : html`<${Toolbar} project=${project} line=${line} sort=${sort} span=${span} facets=${facets.data} narrowing=${narrowing} onNarrow=${() => setNarrowing(!narrowing)} />`}
    <div class="list-columns"><div class="list-column">
    ${list.arrivals > 0 && html`<button class="arrivals" onClick=${list.reload}>${counted(list.arrivals, 'incident')} with new events. Show</button>`}
    ${list.error
      ? html`<${Problem} error=${list.error} retry=${list.reload} />`
      : list.items.length
        ? html`<div ref=${rows} class=${list.loading ? 'rows stale' : 'rows'} role="list" aria-label="Incidents">
            ${list.items.map((incident, index) => html`<${IncidentRow} key=${incident.id} project=${project} incident=${incident}
              window=${span} current=${index === at} chosen=${chosen.ids.has(incident.id)} onChoose=${mayChange && chosen.toggle} onFocus=${() => setAt(index)} />`)}
          </div>
          <${More} list=${list} />`
        : list.loading
          ? html`<${Skeleton} rows=${12} kind="list" />`
          : html`<${Nothing} line=${line} project=${project} />`}
    </div>
    <${Facets} facets=${facets.data} line=${line} open=${narrowing} />
    </div>
    ${merging.length === 1 && html`<${MergeInto} project=${project} incident=${merging[0]} onMerge=${mergeThem} onClose=${() => setMerging([])} />`}
    ${merging.length > 1 && html`<${MergeChosen} project=${project} incidents=${merging} onMerge=${mergeThem} onClose=${() => setMerging([])} />`}
  </div>`;
}

/**
 * The pages of the list so far, and what has arrived meanwhile; rows change at once when they are told of.
 * @param {number} project_id @param {string} line @param {string} sort @param {string} trend
 * @param {import('../lib/kept_lists.js').Kept | null} left as it was left, which is shown without asking
 */
function useIncidents(project_id, line, sort, trend, left) {
  const { fields, text } = useMemo(() => parse(line), [line]);
  const query = useMemo(() => ({ ...fields, text, sort, trend, limit: PAGE }), [fields, text, sort, trend]);
  /** @param {AbortSignal | undefined} signal @param {object} [more] */
  const ask = (signal, more) => call('listIncidents', { path: { project_id }, query: { ...query, ...more }, signal });
  const first = useLoad(ask, [project_id, line, sort, trend], { keep: true, given: left?.first });
  const [more, setMore] = useState(/** @type {{ items: any[], next_cursor: string | null } | null} */ (left?.more ?? null));
  const [arrivals, setArrivals] = useState(0);
  useChanged(() => (setMore(null), setArrivals(0)), [project_id, line, sort, first.loading]);
  const items = useMemo(() => unique([...(first.data?.items ?? []), ...(more?.items ?? [])]), [first.data, more]);
  const cursor = more ? more.next_cursor : first.data?.next_cursor;
  const newest = items.reduce((latest, one) => (one.last_seen > latest ? one.last_seen : latest), '');
  useEvery(async () => {
    if (first.loading) return;
    const page = await ask(undefined, { sort: 'last_seen', since: newest || undefined, trend: null }).catch(() => null);
    const known = new Map(items.map((one) => [one.id, one.last_seen]));
    setArrivals(page ? page.items.filter((/** @type {any} */ one) => known.get(one.id) !== one.last_seen).length : 0);
  }, ARRIVALS_SECONDS, [items, query]);
  useTold((incidents) => {
    first.set((now) => changed(now, incidents));
    setMore((now) => now && changed(now, incidents));
  }, [first.set]);
  const next = async () => {
    const page = await ask(undefined, { cursor });
    setMore((now) => ({ items: [...(now?.items ?? []), ...page.items], next_cursor: page.next_cursor }));
  };
  return { ...first, more, items, cursor, arrivals, next };
}

/** What the list can be narrowed to further: asked when the list is there, so that it holds nothing up. @param {number} project_id @param {string} line @param {boolean} wait */
function useFacets(project_id, line, wait) {
  const { fields, text } = parse(line);
  const facets = useLoad(async (signal) => (wait ? null : call('countFacets', { path: { project_id }, query: { ...fields, text }, signal })), [project_id, line, wait], { keep: true });
  // What was counted last stays until the new counts are there.
  const last = useRef(/** @type {any} */ (null));
  if (facets.data) last.current = facets.data;
  return { data: last.current, reload: facets.reload };
}

/** @param {any[]} items */
const unique = (items) => [...new Map(items.map((one) => [one.id, one])).values()];

/** @param {{ line: string }} props */
function SearchBar({ line }) {
  const [text, setText] = useState(line);
  const typed = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => setText(line), [line]);
  /** @param {string} value */
  const search = (value) => {
    setText(value);
    clearTimeout(typed.current);
    // An empty line is a search too: for everything.
    typed.current = setTimeout(() => go(`${location.pathname}${queryOf(value)}`, { replace: true }), 150);
  };
  const { problems } = parse(text);
  return html`<div class="search">
    <div class="search-line"><input id="search" type="search" aria-label="Search incidents" autocomplete="off" spellcheck=${false}
      placeholder="is:open level:error env:production release:… user:… tag:region=eu words of the title" value=${text}
      aria-describedby=${problems.length ? 'search-problems' : undefined}
      onInput=${(/** @type {any} */ event) => search(event.target.value)}
      onKeyDown=${(/** @type {any} */ event) => event.key === 'Escape' && event.target.blur()} />
      <${Menu} label="?" title="What can be searched for" class="search-help">
        <dl class="pairs" tabindex="0" aria-label="What can be searched for">${HELP.map(([word, meaning]) => html`<div key=${word}><dt><code>${word}</code></dt><dd>${meaning}</dd></div>`)}</dl>
      <//></div>
    ${problems.length > 0 && html`<p id="search-problems" class="field-problem">${problems.join(' ')}</p>`}
  </div>`;
}

/** @param {string} value */
function queryOf(value) {
  const query = new URLSearchParams(location.search);
  query.set('q', value);
  return `?${query}`;
}

/** @param {any} props */
function Toolbar({ project, line, sort, span, facets, narrowing, onNarrow }) {
  const { fields } = parse(line);
  return html`<div class="toolbar">
    <div class="tabs status" role="group" aria-label="Status">
      ${STATUSES.map((status) => html`<button key=${status} aria-pressed=${fields.status === status}
        onClick=${() => go(queryOf(toggled(line, 'status', status)))}>${status} <span class="muted">${countOf(facets, status)}</span></button>`)}
    </div>
    <button class="narrow-button" aria-expanded=${narrowing} aria-controls="facets" onClick=${onNarrow}>Filter</button>
    <${Views} project=${project} line=${line} sort=${sort} />
    <span class="grow" />
    <div class="tabs" role="group" aria-label="Bars">${['24h', '14d'].map((one) => html`<button key=${one} aria-pressed=${span === one}
      onClick=${() => go(withQuery({ trend: one === '24h' ? one : null }), { replace: true, keepScroll: true })}>${one === '24h' ? '24 h' : '14 d'}</button>`)}</div>
    <label class="inline">Sort
      <select value=${sort} onChange=${(/** @type {any} */ event) => go(withQuery({ sort: event.target.value === 'last_seen' ? null : event.target.value }))}>
        ${Object.entries(SORTS).map(([name, label]) => html`<option key=${name} value=${name}>${label}</option>`)}
      </select>
    </label>
  </div>`;
}

/** @param {any} facets @param {string} status */
const countOf = (facets, status) => facets && count(facets.status.find((/** @type {any} */ one) => one.value === status)?.incident_count ?? 0);

/** Loads the next page when its place comes into view. @param {{ list: any }} props */
function More({ list }) {
  const mark = useRef(/** @type {HTMLElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const load = async () => {
    setBusy(true);
    setError(null);
    await list.next().catch(setError);
    setBusy(false);
  };
  useEffect(() => {
    if (!list.cursor || busy || error || !mark.current) return undefined;
    const observer = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && load(), { rootMargin: '600px' });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [list.cursor, busy, error]);
  if (error) return html`<${Problem} error=${error} retry=${load} />`;
  return html`<div ref=${mark} class="more">${list.cursor ? html`<button onClick=${load} disabled=${busy}>${busy ? 'Loading' : 'Show more'}</button>` : html`<span class="muted">That is all.</span>`}</div>`;
}

/** @param {any} props */
const Nothing = ({ line, project }) => line === DEFAULT || !line
  ? html`<${Empty} title=${line ? 'No open incident' : 'No incident yet'}>
      <p>Nothing is wrong here, or nothing arrives yet. <a href=${`/projects/${project.id}/start`}>Send a first event</a>, or <a href=${queryOf('')}>show every incident</a>.</p>
    <//>`
  : html`<${Empty} title="Nothing fits this search">
      <p>No incident of ${project.name} fits <code>${line}</code>. <a href=${queryOf('')}>Show every incident</a></p>
    <//>`;
