/** Names of iSCSI targets and initiators (RFC 7143, section 4.2.7), as far as upstream looks at them (core/validation). */

const EUI = /^eui.[A-Za-z0-9]{16}$/;
const NAA = /^naa.[A-Za-z0-9]{32}$/;

/** Whether a name has the form of its kind; undefined where it begins as none. */
export function isISCSIName(name: string): boolean | undefined {
  switch (name.slice(0, 3)) {
    case 'iqn':
      return isQualified(name);
    case 'eui':
      return EUI.test(name);
    case 'naa':
      return NAA.test(name);
    default:
      return undefined;
  }
}

const RUN = /[A-Za-z0-9.-]+/g;
const AUTHORITY = /iqn\.\d{4}-\d{2}\../;
const FORBIDDEN = /[,;*&$|\s]/;

/** Ends with `iqn.2020-01.example:…`; in one pass, where a pattern of it all would be tried from each `iqn` on. */
function isQualified(name: string): boolean {
  let end = name.length;
  while (end > 0 && !FORBIDDEN.test(name[end - 1]!)) end--;
  for (const { 0: run, index } of name.matchAll(RUN)) {
    const behind = index + run.length + 1;
    if (name[behind - 1] === ':' && behind >= end && behind < name.length && AUTHORITY.test(run)) return true;
  }
  return false;
}
