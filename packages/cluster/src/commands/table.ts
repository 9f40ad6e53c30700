/** Rows of text for a terminal. @returns lines whose columns are as wide as they have to be */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i]! + 2)).join('');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What is left, in its largest unit: `9y`, `364d`, `5h`, `12m`; `ended`. */
export function residual(ms: number): string {
  if (ms <= 0) return 'ended';
  const days = Math.floor(ms / DAY_MS);
  if (days >= 365) return `${Math.floor(days / 365)}y`;
  if (days > 0) return `${days}d`;
  return ms >= HOUR_MS ? `${Math.floor(ms / HOUR_MS)}h` : `${Math.floor(ms / 60_000)}m`;
}
