import type { Spent } from '../contender.js';
import type { MeasuredAxis } from './axes.js';

const panel = { width: 300, height: 210 };
const margin = { left: 58, top: 44, right: 14, bottom: 40 };
const colors = { inspect: '#0969da', build: '#bc4c00' } as const;

interface Measure {
  readonly title: string;
  of(spent: Spent): number;
}

const measures: readonly Measure[] = [
  { title: 'processor time, seconds', of: ({ cpu }) => cpu },
  { title: 'peak, MiB', of: ({ peak }) => peak / 1024 },
];

/** A panel for each axis and measure, on logarithmic scales. */
export function drawGrowth(axes: readonly MeasuredAxis[]): string {
  const width = axes.length * panel.width;
  const height = measures.length * panel.height;
  const panels = measures.flatMap((measure, row) =>
    axes.map((axis, column) => {
      const at = `translate(${column * panel.width} ${row * panel.height})`;
      return `<g transform="${at}">${drawPanel(axis, measure)}</g>`;
    }),
  );
  const style =
    'text{font:11px sans-serif;fill:#57606a}.t{font-weight:bold;fill:#24292f}.g{stroke:#d0d7de;stroke-width:1}path{fill:none;stroke-width:2}';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Time and memory against size, entries and segments">
<style>${style}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${panels.join('\n')}
</svg>
`;
}

function drawPanel({ title, unit, grown }: MeasuredAxis, measure: Measure): string {
  const values = grown.flatMap(({ inspect, build }) => [measure.of(inspect), measure.of(build)]);
  const x = createScale(
    grown.map(({ value }) => value),
    [margin.left, panel.width - margin.right],
  );
  const y = createScale(values, [panel.height - margin.bottom, margin.top]);
  const bottom = panel.height - margin.bottom;
  const rows = y.ticks.map(
    (tick) =>
      `<line class="g" x1="${margin.left}" x2="${panel.width - margin.right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text x="${margin.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${showTick(tick)}</text>`,
  );
  const columns = x.ticks.map(
    (tick) =>
      `<line class="g" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${margin.top}" y2="${bottom}"/><text x="${x.at(tick)}" y="${bottom + 14}" text-anchor="middle">${showTick(tick)}</text>`,
  );
  const curves = (['build', 'inspect'] as const).map((verb, index) => {
    const points = grown.map((each) => `${x.at(each.value)} ${y.at(measure.of(each[verb]))}`);
    const end = panel.width - margin.right - 40 * index;
    const label = `<text x="${end}" y="34" text-anchor="end" style="fill:${colors[verb]}">${verb}</text>`;
    return `<path stroke="${colors[verb]}" d="M${points.join('L')}"/>${label}`;
  });
  const heading = `<text class="t" x="12" y="18">${title}</text><text x="12" y="34">${measure.title}</text>`;
  const foot = `<text x="${panel.width - margin.right}" y="${panel.height - 10}" text-anchor="end">${unit}</text>`;
  return [heading, ...rows, ...columns, ...curves, foot].join('');
}

/** Short, so that labels side by side do not touch: 100K, 1M. */
function showTick(tick: number): string {
  return tick.toLocaleString('en', { notation: 'compact' });
}

/** From whole powers of ten to positions. */
function createScale(values: readonly number[], [from, to]: readonly [number, number]) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value: number) =>
      Math.round(10 * (from + ((Math.log10(value) - low) / (high - low)) * (to - from))) / 10,
    ticks: Array.from({ length: high - low + 1 }, (_, index) => Number(`1e${low + index}`)),
  };
}
