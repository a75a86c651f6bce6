// Bars over time by uPlot, which is loaded when the first chart is shown. Colours come from the theme.
import { html, useEffect, useRef } from './html.js';
import { exactly } from './format.js';

const HEIGHT = 120;

/** @typedef {{ since: string, bar_seconds: number, counts: number[], releases?: { release: string, at: string }[] }} Bars */

/**
 * @param {{ bars: Bars, label: string }} props
 */
export function Chart({ bars, label }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    let chart = /** @type {any} */ (null);
    let gone = false;
    const width = () => root.current?.clientWidth ?? 600;
    const resized = new ResizeObserver(() => chart?.setSize({ width: width(), height: HEIGHT }));
    import('../vendor/uplot-1.6.32.js').then(({ default: Plot }) => {
      if (gone || !root.current) return;
      chart = new Plot(options(Plot, bars, width()), data(bars), root.current);
      resized.observe(root.current);
    });
    return () => {
      gone = true;
      resized.disconnect();
      chart?.destroy();
    };
  }, [bars]);
  const total = bars.counts.reduce((sum, one) => sum + one, 0);
  return html`<figure class="chart" role="img" aria-label=${`${label}: ${exactly(total)} events`}><div ref=${root} /></figure>`;
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
 * @returns {any}
 */
function options(Plot, bars, width) {
  const axis = { stroke: colour('--muted'), font: '11px system-ui', ticks: { show: false }, grid: { stroke: colour('--line'), width: 1 } };
  const start = new Date(bars.since).getTime() / 1000;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [14, 20, 0, 0],
    scales: { x: { range: [start, start + bars.bar_seconds * bars.counts.length] }, y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, Math.max(1, most)] } },
    axes: [{ ...axis, grid: { show: false }, space: 70, size: 26, ...(bars.bar_seconds > 3600 ? { incrs: [1, 2, 4, 7, 14, 28].map((days) => days * 86_400) } : {}), values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((one) => named(one, bars.bar_seconds)) }, { ...axis, size: 44, space: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] }],
    series: [{}, { fill: colour('--accent'), stroke: colour('--accent'), width: 0, points: { show: false }, paths: Plot.paths.bars({ size: [0.82, 40] }) }],
    hooks: { draw: [(/** @type {any} */ plot) => marks(plot, bars.releases ?? [])], setCursor: [(/** @type {any} */ plot) => told(plot, bars)] },
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

/** What the bar under the cursor holds, in the title. @param {any} plot @param {Bars} bars */
function told(plot, bars) {
  const { idx } = plot.cursor;
  const from = new Date(new Date(bars.since).getTime() + (idx ?? 0) * bars.bar_seconds * 1000);
  plot.root.title = idx === null || idx === undefined ? '' : `${exactly(bars.counts[idx] ?? 0)} events from ${from.toLocaleString()}`;
}
