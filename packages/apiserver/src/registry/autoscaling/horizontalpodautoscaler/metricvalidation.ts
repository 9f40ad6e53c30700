/** What a horizontal autoscaler looks at. */
import { type ErrorList, forbidden, invalid, named, notSupported, type Path, required } from '@keelson/api/field';
import type { MetricIdentifier, MetricSpec, MetricTarget } from '@keelson/api/generated/types/autoscaling/v2';
import { Quantity } from '@keelson/api/quantity';
import { isPathSegmentName } from '@keelson/api/validation/names';
import { dnsLabel } from '../../core/pod/validation/names.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateContainerResourceName } from '../../validation/resources.ts';
import { type ReferenceOptions, validateReference } from './reference.ts';

const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const TARGET_TYPES = ['Utilization', 'Value', 'AverageValue'];
/** In the order in which upstream looks for them. */
const SOURCES = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type SourceKey = (typeof SOURCES)[number];

export function validateMetric(metric: MetricSpec, objects: ReferenceOptions, path: Path): ErrorList {
  const { type = '' } = metric;
  const errors: ErrorList = [];
  if (type === '') errors.push(required(path.child('type'), 'must specify a metric source type'));
  if (!TYPES.includes(type)) errors.push(notSupported(path.child('type'), type, TYPES));
  const present = SOURCES.filter((key) => metric[key] !== undefined);
  if (present[0]) errors.push(...validateSource(metric, present[0], objects, path.child(present[0])));
  const expected = SOURCES.find((key) => key.toLowerCase() === type.toLowerCase() && TYPES.includes(type));
  if (expected === undefined) errors.push(notSupported(path.child('type'), type, TYPES));
  else if (metric[expected] === undefined)
    errors.push(required(path.child(expected), 'must populate information for the given metric source'));
  if (present.length !== 1)
    for (const key of present)
      if (key !== expected) errors.push(forbidden(path.child(key), 'must populate the given metric source only'));
  return errors;
}

function validateSource(metric: MetricSpec, key: SourceKey, objects: ReferenceOptions, path: Path): ErrorList {
  switch (key) {
    case 'object': {
      const { describedObject, metric: id, target } = metric.object!;
      const at = path.child('describedObject');
      return [...validateReference(describedObject, objects, at), ...validateAmount(id, target, OBJECT, path)];
    }
    case 'external': {
      const { metric: id, target } = metric.external!;
      const errors = validateAmount(id, target, 'must set either a target value for metric or a per-pod target', path);
      if (target.value !== undefined && target.averageValue !== undefined)
        errors.push(
          forbidden(path.child('target', 'value'), 'may not set both a target value for metric and a per-pod target'),
        );
      return errors;
    }
    case 'pods': {
      const { metric: id, target } = metric.pods!;
      const errors = [...validateIdentifier(id, path.child('metric')), ...validateTarget(target, path.child('target'))];
      if (target.averageValue === undefined)
        errors.push(required(path.child('target', 'averageValue'), 'must specify a positive target averageValue'));
      return errors;
    }
    case 'resource':
      return [
        ...(metric.resource!.name ? [] : [required(path.child('name'), 'must specify a resource name')]),
        ...validateUtilization(metric.resource!.target, path.child('target')),
      ];
    case 'containerResource': {
      const { name, container, target } = metric.containerResource!;
      return [
        ...(name
          ? validateContainerResourceName(name, path.child('name'))
          : [required(path.child('name'), 'must specify a resource name')]),
        ...(container
          ? dnsLabel(container, path.child('container'))
          : [required(path.child('container'), 'must specify a container')]),
        ...validateUtilization(target, path.child('target')),
      ];
    }
  }
}

const OBJECT = 'must set either a target value or averageValue';

/** A value or an average, of a metric with a name. */
function validateAmount(id: MetricIdentifier, target: MetricTarget, missing: string, path: Path): ErrorList {
  const errors = [...validateIdentifier(id, path.child('metric')), ...validateTarget(target, path.child('target'))];
  if (target.value === undefined && target.averageValue === undefined)
    errors.push(required(path.child('target', 'averageValue'), missing));
  return errors;
}

/** A percentage or an average. */
function validateUtilization(target: MetricTarget, path: Path): ErrorList {
  const errors = validateTarget(target, path);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined)
    errors.push(
      required(path.child('averageUtilization'), 'must set either a target raw value or a target utilization'),
    );
  if (averageUtilization !== undefined && averageValue !== undefined)
    errors.push(forbidden(path.child('averageValue'), 'may not set both a target raw value and a target utilization'));
  return errors;
}

function validateTarget(target: MetricTarget, path: Path): ErrorList {
  const { type = '', value, averageValue, averageUtilization } = target;
  const errors: ErrorList = [];
  if (type === '') errors.push(required(path.child('type'), 'must specify a metric target type'));
  if (!TARGET_TYPES.includes(type))
    errors.push(invalid(path.child('type'), named(type), 'must be either Utilization, Value, or AverageValue'));
  for (const [key, amount] of Object.entries({ value, averageValue }))
    if (amount !== undefined && Quantity.parse(amount).sign() !== 1)
      errors.push(invalid(path.child(key), amount, 'must be positive'));
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(invalid(path.child('averageUtilization'), averageUtilization, 'must be greater than 0'));
  return errors;
}

function validateIdentifier({ name = '' }: MetricIdentifier, path: Path): ErrorList {
  const at = path.child('name');
  return name === '' ? [required(at, 'must specify a metric name')] : invalidFor(at, name, isPathSegmentName(name));
}
