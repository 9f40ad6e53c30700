import { appendFileSync } from 'node:fs';

/** What became of what was asked for while something went wrong. */
export interface Row {
  readonly fault: string;
  /** Who asked for what meanwhile. */
  readonly load: string;
  /** Writes that were answered with success. */
  readonly acknowledged: number;
  /** Of them, those that were not found, or not watched, afterwards. */
  readonly lost: number;
  /** From the fault, or from its end where nothing could go on before: the longest time without a success. */
  readonly recoveredMs?: number | undefined;
}

/** A row of the table that `npm run robustness` prints in the end. */
export function record({ fault, load, acknowledged, lost, recoveredMs }: Row): void {
  const line = JSON.stringify({ fault, load, acknowledged, lost, recoveredMs: recoveredMs && Math.round(recoveredMs) });
  const file = process.env.KEELSON_ROBUSTNESS_TABLE;
  if (file === undefined) console.log(line);
  else appendFileSync(file, `${line}\n`);
}
