/**
 * Values against schemas: what k8s.io/kube-openapi/pkg/validation/validate checks, in its order. Which of several failures
 * it tells of depends on how much there was to look at; `Result.matches` counts as upstream does.
 */
import { equalValues } from '@keelson/api/codec/equality';
import { stringify } from '@keelson/api/codec/stringify';
import { isPieceOver, type Pieces } from '@keelson/api/pieces';
import { compilePattern, type EvaluationError } from '@keelson/cel';
import type { Correlation } from './correlation.ts';
import { broken, longer, missing, more, noneOf, Result, remark, unfit, wrongType } from './findings.ts';
import { isOfFormat } from './formats.ts';
import { isInteger, isWhole, numberFindings } from './numbers.ts';
import { isObject, type Structural } from './structural.ts';

/**
 * @param path of the value; empty for the object itself
 * @param correlation the value with the one that it was: what has not changed may stay as wrong as it is
 */
export function* checkValue(value: unknown, schema: Structural, path = '', correlation?: Correlation): Pieces<Result> {
  const result = new Result();
  const rest = checkInto(result, value, schema, path, correlation);
  if (rest) yield* rest;
  return result;
}

/** @returns what there is to do for a value that has parts: others, of which there are many more, need no generator */
function checkInto(
  result: Result,
  value: unknown,
  schema: Structural,
  path: string,
  correlation: Correlation | undefined,
): Pieces<void> | undefined {
  const isNull = value === null || value === undefined;
  if (!isNull && (typeof value === 'object' || isComposed(schema)))
    return checkParts(result, value, schema, path, correlation);
  const before = result.size;
  if (isNull) {
    checkType(null, schema, path, result);
    checkEnum(null, schema, path, result);
  } else {
    checkGivenType(value, schema, path, result);
    checkScalar(value, schema, path, result);
    checkEnum(value, schema, path, result);
    result.matches += 4;
  }
  forgive(result, before, correlation);
  return undefined;
}

function* checkParts(
  result: Result,
  value: unknown,
  schema: Structural,
  path: string,
  correlation: Correlation | undefined,
): Pieces<void> {
  const before = result.size;
  checkGivenType(value, schema, path, result);
  if (isComposed(schema)) yield* checkCompositions(value, schema, path, result);
  const { items, properties, additional } = schema;
  if (Array.isArray(value)) {
    for (const [i, item] of items ? value.entries() : []) {
      if (isPieceOver()) yield;
      const rest = checkInto(result, item, items!, `${path}[${i}]`, correlation?.index(i));
      if (rest) yield* rest;
    }
    checkLength(value, schema, path, result);
    result.matches += 2;
  } else checkScalar(value, schema, path, result);
  checkEnum(value, schema, path, result);
  if (isObject(value)) {
    const names = Object.keys(value);
    checkNames(names, schema, path, result);
    for (const name of typeof additional === 'object' ? names : []) {
      if (properties.has(name)) continue;
      if (isPieceOver()) yield;
      const rest = checkInto(result, value[name], additional as Structural, `${path}.${name}`, correlation?.key(name));
      if (rest) yield* rest;
    }
    for (const [name, property] of properties) {
      if (!Object.hasOwn(value, name)) continue;
      // The versions of the object and of the old one are the same, though neither was written in it.
      const isMeta = path === '' && (name === 'apiVersion' || name === 'kind');
      const inner = isMeta ? undefined : correlation?.key(name);
      const rest = checkInto(result, value[name], property, path === '' ? name : `${path}.${name}`, inner);
      if (rest) yield* rest;
    }
    for (const name of schema.source.required ?? [])
      if (!Object.hasOwn(value, name)) result.add(missing(`${path}.${name}`));
    result.matches++;
  }
  result.matches += 4;
  forgive(result, before, correlation);
}

function checkGivenType(value: unknown, schema: Structural, path: string, result: Result): void {
  if (schema.types.length === 0 && schema.format === '') return;
  checkType(value, schema, path, result);
  result.matches++;
}

/** What has been found since there was so much may stay as it is where the value has not changed. */
function forgive(result: Result, before: number, correlation: Correlation | undefined): void {
  if (result.size > before && correlation?.isUnchanged) result.forgive(before);
}

/** Of a string or a number; others have nothing to be looked at here. */
function checkScalar(value: unknown, schema: Structural, path: string, result: Result): void {
  if (typeof value === 'string') {
    checkString(value, schema, path, result);
    result.matches++;
    const isFormatted = isOfFormat(schema.format, value);
    if (isFormatted === false) result.add(wrongType(path, schema.format, value));
    if (isFormatted !== undefined) result.matches++;
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    for (const finding of numberFindings(value, schema, path)) result.add(finding);
    result.matches += 2;
  }
}

function checkType(value: unknown, { types, format, nullable }: Structural, path: string, result: Result): void {
  const given = typeOf(value);
  if (given === 'null') {
    if (types.length > 0 && !types.includes('null') && !nullable) result.add(wrongType(path, types.join(','), given));
    else result.matches++;
    return;
  }
  const isText = given === 'string' || given === 'array';
  const isNumeric = types.includes('number') || types.includes('integer');
  const fits =
    types.includes(given) ||
    (given === 'integer' && types.includes('number')) ||
    (given === 'number' && types.includes('integer') && isWhole(value as number));
  const width = given === 'integer' ? 'int64' : given === 'number' ? 'float64' : '';
  if (!isText && format !== '' && !fits && width !== format) {
    result.add(wrongType(path, format, width));
  } else if (!fits && !(isText && format !== '' && !isNumeric)) result.add(wrongType(path, types.join(','), given));
  else result.matches++;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' || typeof value === 'bigint') return isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function isComposed({ allOf, anyOf, oneOf, not }: Structural): boolean {
  return allOf.length + anyOf.length + oneOf.length > 0 || not !== undefined;
}

function* checkCompositions(
  value: unknown,
  { allOf, anyOf, oneOf, not }: Structural,
  path: string,
  outer: Result,
): Pieces<void> {
  const result = new Result();
  if (anyOf.length > 0) yield* checkAnyOf(value, anyOf, path, result);
  if (oneOf.length > 0) yield* checkOneOf(value, oneOf, path, result);
  if (allOf.length > 0) yield* checkAllOf(value, allOf, path, result);
  if (not && (yield* checkValue(value, not, path)).isValid)
    result.add(remark(`"${path}" must not validate the schema (not)`));
  outer.merge(result);
}

function* checkAnyOf(value: unknown, schemas: readonly Structural[], path: string, result: Result): Pieces<void> {
  let best: Result | undefined;
  for (const schema of schemas) {
    const tried = yield* checkValue(value, schema, path);
    if (tried.isValid) {
      result.merge(tried);
      return;
    }
    if (!best || tried.matches > best.matches) best = tried;
  }
  result.add(remark(`"${path}" must validate at least one schema (anyOf)`));
  result.merge(best!);
}

function* checkOneOf(value: unknown, schemas: readonly Structural[], path: string, result: Result): Pieces<void> {
  const valid: Result[] = [];
  let best: Result | undefined;
  for (const schema of schemas) {
    const tried = yield* checkValue(value, schema, path);
    if (tried.isValid) {
      valid.push(tried);
      best = undefined;
    } else if (valid.length === 0 && (!best || tried.matches > best.matches)) best = tried;
  }
  if (valid.length === 1) {
    result.merge(valid[0]!);
    return;
  }
  const found = valid.length === 0 ? 'none valid' : `${valid.length} valid alternatives`;
  result.add(remark(`"${path}" must validate one and only one schema (oneOf). Found ${found}`));
  if (best) result.merge(best);
}

function* checkAllOf(value: unknown, schemas: readonly Structural[], path: string, result: Result): Pieces<void> {
  let valid = 0;
  for (const schema of schemas) {
    const tried = yield* checkValue(value, schema, path);
    if (tried.isValid) valid++;
    result.merge(tried);
  }
  if (valid < schemas.length)
    result.add(remark(`"${path}" must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`));
}

/** The first thing that is wrong. */
function checkString(text: string, { source }: Structural, path: string, result: Result): void {
  const { maxLength, minLength, pattern } = source;
  if (maxLength !== undefined && text.length > maxLength && charactersOf(text) > maxLength)
    result.add(longer(path, maxLength));
  else if (minLength !== undefined && charactersOf(text) < minLength)
    result.add(unfit(path, `should be at least ${minLength} chars long`, text));
  else if (pattern) {
    const mismatch = mismatchOf(text, pattern);
    if (mismatch !== undefined) result.add(unfit(path, `should match '${mismatch}'`, text));
  }
}

/** What the text does not match. */
function mismatchOf(text: string, pattern: string): string | undefined {
  try {
    return compilePattern(pattern).matcher(text).find() ? undefined : pattern;
  } catch (error) {
    return `${pattern}, but pattern is invalid: ${(error as EvaluationError).message}`;
  }
}

/** A pair of surrogates is one character. */
function charactersOf(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const isPair = (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (isPair) count--;
  }
  return count;
}

function checkEnum(value: unknown, { source }: Structural, path: string, result: Result): void {
  const { enum: allowed } = source;
  if (allowed?.length && !allowed.some((v) => isAllowed(value, v))) result.add(noneOf(path, value, allowed));
}

/** As Go converts one to the type of the other: fractions are cut off, and an integer is a character. Null is never allowed. */
function isAllowed(value: unknown, allowed: unknown): boolean {
  if (value === null || allowed === null) return false;
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (typeof allowed === 'string') return isInteger(value) && allowed === characterOf(Number(value));
    if (typeof allowed !== 'number' && typeof allowed !== 'bigint') return false;
    if (typeof value === 'number' && isInteger(allowed)) return Math.trunc(value) === Number(allowed);
  }
  return equalValues(value, allowed);
}

function characterOf(code: number): string {
  const isCharacter = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : '\ufffd';
}

function checkLength(items: readonly unknown[], { source }: Structural, path: string, result: Result): void {
  const { minItems, maxItems, uniqueItems } = source;
  if (minItems !== undefined && items.length < minItems)
    result.add(unfit(path, `should have at least ${minItems} items`, items.length));
  if (maxItems !== undefined && items.length > maxItems) result.add(more(path, items.length, maxItems, 'items'));
  if (uniqueItems && new Set(items.map((item) => stringify(item))).size < items.length)
    result.add(unfit(path, "shouldn't contain duplicates"));
}

function checkNames(
  names: readonly string[],
  { properties, additional, source }: Structural,
  path: string,
  result: Result,
): void {
  const { minProperties, maxProperties } = source;
  if (minProperties !== undefined && names.length < minProperties)
    result.add(unfit(path, `should have at least ${minProperties} properties`, names.length));
  if (maxProperties !== undefined && names.length > maxProperties)
    result.add(more(path, names.length, maxProperties, 'properties'));
  if (additional !== false) return;
  for (const name of names)
    if (!properties.has(name)) result.add(broken(path, `${path}.${name} in body is a forbidden property`, name));
}
