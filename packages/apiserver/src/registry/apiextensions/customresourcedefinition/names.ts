import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { CustomResourceDefinitionNames } from '@keelson/api/generated/types/apiextensions/v1';
import { isDNS1035Label } from '@keelson/api/validation/names';

const MIXED = 'may have mixed case, but should otherwise match: ';

/** Names that a spec, unlike a status, must have. */
export function validateRequiredNames(names: CustomResourceDefinitionNames, path: Path): ErrorList {
  return (['plural', 'singular', 'kind', 'listKind'] as const).flatMap((field) =>
    names[field] ? [] : [required(path.child(field))],
  );
}

export function validateNames(names: CustomResourceDefinitionNames, path: Path): ErrorList {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names;
  return [
    ...validateLabel(plural, path.child('plural')),
    ...validateLabel(singular, path.child('singular')),
    ...validateKind(kind, path.child('kind')),
    ...validateKind(listKind, path.child('listKind')),
    ...shortNames.flatMap((name, i) => validateLabel(name, path.child('shortNames').index(i), true)),
    ...(kind !== '' && kind === listKind
      ? [invalid(path.child('listKind'), listKind, 'kind and listKind may not be the same')]
      : []),
    ...categories.flatMap((name, i) => validateLabel(name, path.child('categories').index(i), true)),
  ];
}

function validateLabel(name: string, path: Path, mustBe = false): ErrorList {
  const problems = name === '' && !mustBe ? [] : isDNS1035Label(name);
  return problems.length > 0 ? [invalid(path, name, problems.join(','))] : [];
}

function validateKind(kind: string, path: Path): ErrorList {
  const problems = kind === '' ? [] : isDNS1035Label(kind.toLowerCase());
  return problems.length > 0 ? [invalid(path, kind, `${MIXED}${problems.join(',')}`)] : [];
}
