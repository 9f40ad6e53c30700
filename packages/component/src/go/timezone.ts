/** Names that ICU knows besides the IANA database's own. */
const ICU_ONLY =
  /^(?:ACT|AET|AGT|ART|AST|BET|BST|CAT|CNT|CST|CTT|EAT|ECT|IET|IST|JST|MIT|NET|NST|PLT|PNT|PRT|PST|SST|VST)$|^SystemV\//;

/**
 * Whether Go's time.LoadLocation would find the zone. Unlike Intl it looks at the case, which for aliases ("US/Pacific")
 * can be seen from their parts' first letters alone.
 */
export function isTimeZone(name: string): boolean {
  if (name === '' || name === 'Local' || name === 'Factory') return true;
  if (ICU_ONLY.test(name)) return false;
  const resolved = resolve(name);
  if (resolved === undefined) return false;
  if (resolved.toLowerCase() === name.toLowerCase()) return resolved === name;
  return name.split('/').every((part) => /^[A-Z]/.test(part));
}

function resolve(timeZone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
