/**
 * Draws a record as SVG: how many times as good as kube-apiserver, for each workload, on a logarithmic scale.
 *
 *   npm run bench:plot -- RECORD.json > docs/bench.svg
 */
import { readFileSync } from 'node:fs';
import { median, type Results, type WorkloadResult } from './report/results.ts';
import { ratio } from './workloads/workload.ts';

const WIDTH = 860;
const LEFT = 190;
const RIGHT = 60;
const TOP = 74;
const ROW = 26;
const BAR = 9;
const COLORS = ['#2f6f9f', '#8fb4cc'];

const results = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Results;
const reference = results.servers.at(-1)!.name;
const compared = results.servers.slice(0, -1).map(({ name }) => name);

/** A workload's first figure, where both have it. */
function ratioOf({ figures: [figure] }: WorkloadResult, server: string): number | undefined {
  if (!figure) return undefined;
  const [ours, theirs] = [server, reference].map((name) => median(figure.values[name] ?? []));
  const value = ratio(figure.unit, ours!, theirs!);
  return Number.isFinite(value) ? value : undefined;
}

const rows = results.workloads
  .map((workload) => ({
    label: workload.figures[0]?.name ? `${workload.name}, ${workload.figures[0].name}` : workload.name,
    goal: workload.goal?.lmdb,
    ratios: compared.map((server) => ratioOf(workload, server)),
  }))
  .filter(({ ratios }) => ratios.some((value) => value !== undefined));

const largest = Math.max(10, ...rows.flatMap(({ ratios }) => ratios.map((value) => value ?? 0)));
const low = 0.5;
const top = largest * 1.3;
const x = (value: number): number =>
  LEFT + ((Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(top) - Math.log(low))) * (WIDTH - LEFT - RIGHT);
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (at: number, y: number, content: string, more = '') =>
  `<text x="${at}" y="${y}" ${more}>${escaped(content)}</text>`;

const height = TOP + rows.length * ROW + 30;
const grid = [0.5, 1, 2, 5, 10, 20, 50, 100, 200].filter((value) => value <= top);
const { machine } = results;
const title = `How many times as good as ${reference} ${results.servers.at(-1)!.version} on etcd`;
console.log(
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(12, 22, title, 'font-size="15" font-weight="bold"'),
    text(
      12,
      42,
      `${machine.processor}, ${machine.cores} cores; TLS; ${results.servers.map((s) => `${s.name}: ${s.storage}`).join(' · ')}`,
      'fill="#777" font-size="11"',
    ),
    ...compared.map(
      (name, i) =>
        `<rect x="${LEFT + i * 130}" y="52" width="10" height="10" fill="${COLORS[i]}"/>${text(LEFT + 15 + i * 130, 61, name)}`,
    ),
    ...grid.map(
      (value) =>
        `<line x1="${x(value)}" x2="${x(value)}" y1="${TOP}" y2="${height - 26}" stroke="${value === 1 ? '#333' : '#ddd'}"/>${text(x(value), height - 10, `${value}×`, 'text-anchor="middle" fill="#777"')}`,
    ),
    ...rows.flatMap(({ label, goal, ratios }, row) => {
      const y = TOP + row * ROW;
      return [
        text(LEFT - 8, y + 16, label, 'text-anchor="end"'),
        ...ratios.map((value, i) =>
          value === undefined
            ? ''
            : `<rect x="${Math.min(x(1), x(value))}" y="${y + 3 + i * (BAR + 1)}" width="${Math.abs(x(value) - x(1))}" height="${BAR}" fill="${COLORS[i]}"/>` +
              text(
                Math.max(x(1), x(value)) + 4,
                y + 11 + i * (BAR + 1),
                `${Number(value.toPrecision(2))}`,
                'font-size="9" fill="#777"',
              ),
        ),
        goal
          ? `<line x1="${x(goal)}" x2="${x(goal)}" y1="${y + 1}" y2="${y + ROW - 3}" stroke="#c33" stroke-dasharray="2 2"/>`
          : '',
      ];
    }),
    text(WIDTH - 12, 61, 'dashed: what is wanted', 'text-anchor="end" fill="#c33" font-size="11"'),
    '</svg>',
  ].join('\n'),
);
