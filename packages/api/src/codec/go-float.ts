/** A float as Go's strconv.FormatFloat(f, 'g', -1, bits) writes it: the shortest digits, an exponent from 1e6 on and below 1e-4. */
export function formatFloat(value: number, bits: 32 | 64 = 64): string {
  const text = bits === 64 ? value.toExponential() : shortestSingle(value);
  const [digits, exponent] = text.split('e') as [string, string];
  const power = Number(exponent);
  if (power < -4 || power >= 6) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return String(Number(text));
}

function shortestSingle(value: number): string {
  const single = Math.fround(value);
  for (let digits = 0; digits < 9; digits++) {
    const text = single.toExponential(digits);
    if (Math.fround(Number(text)) === single) return text.replace(/\.?0+e/, 'e');
  }
  return single.toExponential();
}
