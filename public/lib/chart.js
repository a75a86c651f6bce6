// Bars over time by uPlot, which is loaded when the first chart is shown. Colours come from the theme, and follow it.
// What a bar holds is told below: of the one under the mouse, of the one that the arrow keys chose, or of all as a table.
import { html, useEffect, useRef, useState } from './html.js';
import { counted, exactly } from './format.js';

const HEIGHT = 108;

/** @typedef {{ since: string, bar_seconds: number, counts: number[], releases?: { release: string, at: string }[] }} Bars */

/**
 * @param {{ bars: Bars, label: string }} props
 */
export function Chart({ bars, label }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  useEffect(() => {
    let gone = false;
    const width = () => root.current?.clientWidth ?? 600;
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: HEIGHT }));
    const forget = whenThemeChanges(() => plot.current?.redraw());
    import('../vendor/uplot-1.6.32.js').then(({ default: Plot }) => {
      if (gone || !root.current) return;
      plot.current = new Plot(options(Plot, bars, width(), setAt), data(bars), root.current);
      resized.observe(root.current);
    });
    return () => {
      gone = true;
      resized.disconnect();
      forget();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [bars]);
  const last = bars.counts.length - 1;
  const told = at === null || at > last ? summary(bars) : `${counted(bars.counts[at] ?? 0, 'event')}, ${spanOf(bars, at)}`;
  /** @param {KeyboardEvent} event */
  const moved = (event) => {
    const to = steps(at ?? last + 1, last).get(event.key);
    if (to === undefined || !plot.current) return;
    event.preventDefault();
    plot.current.setCursor({ left: plot.current.valToPos(plot.current.data[0][to], 'x'), top: 0 });
  };
  return html`<figure class="chart">
    <div ref=${root} role="slider" tabindex="0" aria-label=${`${label}, ${counted(total(bars), 'event')}`} aria-valuemin="0" aria-valuemax=${last} aria-valuenow=${at ?? last} aria-valuetext=${told}
      onKeyDown=${moved} onBlur=${() => plot.current?.setCursor({ left: -10, top: -10 })} />
    <figcaption><span>${told}</span><${Table} bars=${bars} label=${label} /></figcaption>
  </figure>`;
}

/** Where each key leads from a bar. @param {number} at @param {number} last @returns {Map<string, number>} */
const steps = (at, last) => new Map([['ArrowLeft', Math.max(0, at - 1)], ['ArrowRight', Math.min(last, at + 1)], ['Home', 0], ['End', last]]);

/** @param {Bars} bars */
const total = ({ counts }) => counts.reduce((sum, one) => sum + one, 0);

/** @param {Bars} bars */
function summary(bars) {
  const most = Math.max(...bars.counts);
  return most ? `${counted(total(bars), 'event')}, most ${spanOf(bars, bars.counts.indexOf(most))}: ${exactly(most)}` : 'No events in this time';
}

const SPAN = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** From when to when a bar is. @param {Bars} bars @param {number} index */
function spanOf({ since, bar_seconds }, index) {
  const from = new Date(since).getTime() + index * bar_seconds * 1000;
  return SPAN.formatRange(from, from + bar_seconds * 1000);
}

/** The bars in words, the newest first; made when somebody looks. @param {{ bars: Bars, label: string }} props */
function Table({ bars, label }) {
  const [open, setOpen] = useState(false);
  const start = new Date(bars.since).getTime();
  /** @param {number} index */
  const cameIn = (index) => (bars.releases ?? []).filter(({ at }) => Math.floor((new Date(at).getTime() - start) / 1000 / bars.bar_seconds) === index).map(({ release }) => release);
  return html`<details onToggle=${(/** @type {any} */ toggle) => setOpen(toggle.target.open)}><summary>As a table</summary>
    ${open && html`<div class="table-scroll" tabindex="0" role="region" aria-label=${`${label}, as a table`}><table>
      <thead><tr><th>Time</th><th class="right">Events</th>${bars.releases && html`<th>First seen then</th>`}</tr></thead>
      <tbody>${bars.counts.map((number, index) => html`<tr key=${index}><td>${spanOf(bars, index)}</td><td class="right">${exactly(number)}</td>${bars.releases && html`<td>${cameIn(index).join(', ')}</td>`}</tr>`).reverse()}</tbody></table></div>`}</details>`;
}

/** Call `act` when colours are others: another theme was chosen here, or by the system. Answers how to stop. @param {() => void} act */
function whenThemeChanges(act) {
  const chosen = new MutationObserver(act);
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', act);
  return () => (chosen.disconnect(), system.removeEventListener('change', act));
}

/** @param {Bars} bars @returns {[number[], number[]]} seconds since 1970 of each bar's middle, and its count */
function data({ since, bar_seconds, counts }) {
  const start = new Date(since).getTime() / 1000;
  return [counts.map((_, index) => start + (index + 0.5) * bar_seconds), counts];
}

/** @param {string} name of a custom property */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * @param {any} Plot
 * @param {Bars} bars
 * @param {number} width
 * @param {(index: number | null) => void} pointed
 * @returns {any}
 */
function options(Plot, bars, width, pointed) {
  // As functions, which are asked anew for each drawing.
  const [muted, line, accent] = ['--muted', '--line', '--accent'].map((name) => () => colour(name));
  const axis = { stroke: muted, font: '11px system-ui', ticks: { show: false }, grid: { stroke: line, width: 1 } };
  const start = new Date(bars.since).getTime() / 1000;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [14, 20, 0, 0],
    scales: { x: { range: [start, start + bars.bar_seconds * bars.counts.length] }, y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, Math.max(1, most)] } },
    axes: [{ ...axis, grid: { show: false }, space: 70, size: 26, ...(bars.bar_seconds > 3600 ? { incrs: [1, 2, 4, 7, 14, 28].map((days) => days * 86_400) } : {}), values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((one) => named(one, bars.bar_seconds)) }, { ...axis, size: 44, space: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] }],
    series: [{}, { fill: accent, stroke: accent, width: 0, points: { show: false }, paths: Plot.paths.bars({ size: [0.82, 40] }) }],
    hooks: { draw: [(/** @type {any} */ plot) => marks(plot, bars.releases ?? [])], setCursor: [(/** @type {any} */ plot) => pointed(plot.cursor.idx ?? null)] },
  };
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** @param {number} seconds @param {number} bar_seconds */
const named = (seconds, bar_seconds) => (bar_seconds > 3600 ? DAY : CLOCK).format(new Date(seconds * 1000));

/** A line where each release came, named where there is room. @param {any} plot @param {{ release: string, at: string }[]} releases */
function marks(plot, releases) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  let free = Infinity;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('--muted');
  ctx.font = `${11 * ratio}px system-ui`;
  // As the axes left them, names would be drawn to the left of where they begin.
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  for (const { release, at } of releases) {
    const x = plot.valToPos(new Date(at).getTime() / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top - 4 * ratio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const wide = ctx.measureText(release).width;
    const left = Math.max(bbox.left, Math.min(x + 4 * ratio, bbox.left + bbox.width - wide));
    if (left + wide < free) {
      ctx.fillText(release, left, bbox.top - 4 * ratio);
      free = left - 8 * ratio;
    }
  }
  ctx.restore();
}
