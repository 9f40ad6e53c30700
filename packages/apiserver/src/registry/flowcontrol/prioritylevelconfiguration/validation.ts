/** Compare pkg/apis/flowcontrol/validation: ValidatePriorityLevelConfiguration. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, named, notSupported, Path, required } from '@keelson/api/field';
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '@keelson/api/generated/types/flowcontrol/v1';
import { internalValue } from '../../validation/internal.ts';
import { validateConditions } from '../conditions.ts';
import { mandatoryPriorityLevel } from '../mandatory.ts';

const SPEC_TYPE = 'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec';
/** An annotation of v1beta3 alone. */
const PRESERVE_ZERO = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';
const MAX_QUEUES = 10_000_000;
/** How many bits of a hash the shuffle sharding may use. */
const MAX_HASH_BITS = 60;

export function validatePriorityLevel(obj: PriorityLevelConfiguration): ErrorList {
  const path = Path.of('spec');
  const hasAnnotation = obj.metadata.annotations?.[PRESERVE_ZERO] !== undefined;
  return [
    ...(hasAnnotation
      ? [forbidden(Path.of('metadata', 'annotations'), `annotation '${PRESERVE_ZERO}' is forbidden`)]
      : []),
    ...validateSpec(obj, path),
    ...validateMandatory(obj, path),
    ...validateConditions(obj),
  ];
}

function validateMandatory({ metadata, spec }: PriorityLevelConfiguration, path: Path): ErrorList {
  const name = metadata.name ?? '';
  const wanted = mandatoryPriorityLevel(name)?.spec;
  if (!wanted) return [];
  if (name !== 'exempt') {
    return semanticEqual(spec, wanted)
      ? []
      : [invalid(path, internalValue(SPEC_TYPE, spec), `spec of '${name}' must equal the fixed value`)];
  }
  const { exempt: _given, ...rest } = spec;
  const { exempt: _wanted, ...fixed } = wanted;
  if (semanticEqual(rest, fixed)) return [];
  return [
    invalid(
      path,
      internalValue(SPEC_TYPE, spec),
      `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`,
    ),
  ];
}

function validateSpec({ metadata, spec }: PriorityLevelConfiguration, path: Path): ErrorList {
  const errors: ErrorList = [];
  const { type, limited, exempt } = spec;
  if ((metadata.name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalid(path.child('type'), named(type), "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  switch (type) {
    case 'Exempt':
      if (limited) errors.push(forbidden(path.child('limited'), 'must be nil if the type is not Limited'));
      if (exempt) errors.push(...validateExempt(exempt, path.child('exempt')));
      return errors;
    case 'Limited':
      if (exempt) errors.push(forbidden(path.child('exempt'), 'must be nil if the type is Limited'));
      if (!limited) errors.push(required(path.child('limited'), 'must not be empty when type is Limited'));
      else errors.push(...validateLimited(limited, path.child('limited')));
      return errors;
    default:
      return [...errors, notSupported(path.child('type'), type, ['Exempt', 'Limited'])];
  }
}

function validateExempt(
  { nominalConcurrencyShares: shares, lendablePercent }: ExemptPriorityLevelConfiguration,
  path: Path,
): ErrorList {
  return [...validateShares(shares, path), ...validatePercent(lendablePercent, path)];
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: Path): ErrorList {
  const { nominalConcurrencyShares, limitResponse, lendablePercent, borrowingLimitPercent: borrowing } = limited;
  const errors = [
    ...validateShares(nominalConcurrencyShares, path),
    ...validateResponse(limitResponse, path.child('limitResponse')),
    ...validatePercent(lendablePercent, path),
  ];
  if (borrowing != null && borrowing < 0) {
    errors.push(
      invalid(path.child('borrowingLimitPercent'), borrowing, 'if specified, must be a non-negative integer'),
    );
  }
  return errors;
}

function validateShares(shares: number | null | undefined, path: Path): ErrorList {
  if (shares == null || shares >= 0) return [];
  return [invalid(path.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer')];
}

function validatePercent(percent: number | null | undefined, path: Path): ErrorList {
  if (percent == null || (percent >= 0 && percent <= 100)) return [];
  return [invalid(path.child('lendablePercent'), percent, 'must be between 0 and 100, inclusive')];
}

function validateResponse({ type, queuing }: LimitResponse, path: Path): ErrorList {
  const at = path.child('queuing');
  switch (type) {
    case 'Reject':
      return queuing ? [forbidden(at, 'must be nil if limited.limitResponse.type is not Limited')] : [];
    case 'Queue':
      if (!queuing) return [required(at, 'must not be empty if limited.limitResponse.type is Limited')];
      return validateQueuing(queuing, at);
    default:
      return [notSupported(path.child('type'), type, ['Queue', 'Reject'])];
  }
}

function validateQueuing({ queues, handSize, queueLengthLimit }: QueuingConfiguration, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (queueLengthLimit <= 0) errors.push(invalid(path.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalid(path.child('queues'), queues, 'must be positive'));
  else if (queues > MAX_QUEUES)
    errors.push(invalid(path.child('queues'), queues, `must not be greater than ${MAX_QUEUES}`));
  const hand = handProblem(queues, handSize);
  if (hand !== undefined) errors.push(invalid(path.child('handSize'), handSize, hand));
  return errors;
}

function handProblem(queues: number, handSize: number): string | undefined {
  if (handSize <= 0) return 'must be positive';
  if (handSize > queues) return `should not be greater than queues (${queues})`;
  if (Math.ceil(Math.log2(queues) * handSize) <= MAX_HASH_BITS) return undefined;
  return `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`;
}
