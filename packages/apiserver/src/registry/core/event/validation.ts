/**
 * Compare pkg/apis/core/validation/events.go. Objects are core/v1 Events whichever group the request named: through v1
 * nearly anything goes, events.k8s.io is strict.
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { Event } from '@keelson/api/generated/types/core/v1';
import { isDNS1123Subdomain, isQualifiedName } from '@keelson/api/validation/names';
import { immutableField, invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';

const SHORT_LIMIT = 128;
const NOTE_LIMIT = 1024;

/** @param controllerField what the request's version calls the reporting controller */
export function validateLegacyEvent(
  event: Event,
  controllerField: 'reportingComponent' | 'reportingController',
): ErrorList {
  return [
    ...validateInvolvedNamespace(event),
    ...(event.eventTime == null ? [] : validateNewStyle(event, Path.of(controllerField))),
    ...invalidFor(
      Path.of('namespace'),
      event.metadata.namespace ?? '',
      isDNS1123Subdomain(event.metadata.namespace ?? ''),
    ),
  ];
}

/** Events live beside what they are about; those about cluster-scoped objects in default (new style: or kube-system). */
function validateInvolvedNamespace({ metadata, involvedObject, eventTime }: Event): ErrorList {
  const namespace = metadata.namespace ?? '';
  const involved = involvedObject.namespace ?? '';
  const newStyle = eventTime != null;
  const fits =
    involved === ''
      ? namespace === 'default' || namespace === (newStyle ? 'kube-system' : '')
      : newStyle || namespace === involved;
  return fits ? [] : [invalid(Path.of('involvedObject', 'namespace'), involved, 'does not match event.namespace')];
}

function validateNewStyle(event: Event, controllerPath: Path): ErrorList {
  const controller = event.reportingComponent ?? '';
  return [
    ...(controller === '' ? [required(controllerPath)] : []),
    ...invalidFor(controllerPath, controller, isQualifiedName(controller)),
    ...validateText(event.reportingInstance, 'reportingInstance'),
    ...validateText(event.action, 'action'),
    ...validateText(event.reason, 'reason'),
    ...limitText(event.message, 'message', NOTE_LIMIT),
  ];
}

function validateText(text: string | undefined, name: string): ErrorList {
  return text ? limitText(text, name, SHORT_LIMIT) : [required(Path.of(name))];
}

function limitText(text: string | undefined, name: string, limit: number): ErrorList {
  return Buffer.byteLength(text ?? '') > limit
    ? [invalid(Path.of(name), '', `can have at most ${limit} characters`)]
    : [];
}

/** What creation through events.k8s.io asks for besides. */
export function validateStrictEvent(event: Event): ErrorList {
  const errors = validateSeries(event);
  const unset = (name: string) => errors.push(invalid(Path.of(name), '', 'needs to be unset'));
  if (event.eventTime == null) errors.push(required(Path.of('eventTime')));
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(invalid(Path.of('type'), '', `has invalid value: ${event.type ?? ''}`));
  if (event.firstTimestamp != null) unset('firstTimestamp');
  if (event.lastTimestamp != null) unset('lastTimestamp');
  if (event.count) unset('count');
  if (event.source.component || event.source.host) unset('source');
  return errors;
}

function validateSeries({ series }: Event): ErrorList {
  if (!series) return [];
  const errors: ErrorList = [];
  if ((series.count ?? 0) < 2) errors.push(invalid(Path.of('series.count'), '', 'should be at least 2'));
  if (series.lastObservedTime == null) errors.push(required(Path.of('series.lastObservedTime')));
  return errors;
}

/** Through events.k8s.io only the series may change. */
export function validateStrictEventUpdate(event: Event, old: Event): ErrorList {
  const text = (name: 'reason' | 'message' | 'type' | 'action' | 'reportingInstance') =>
    immutableField(event[name] ?? '', old[name] ?? '', Path.of(name));
  const time = (name: 'firstTimestamp' | 'lastTimestamp' | 'eventTime') =>
    immutableField(event[name], old[name], Path.of(name));
  const struct = (name: 'involvedObject' | 'source' | 'related', type: string) =>
    semanticEqual(event[name], old[name])
      ? []
      : [invalid(Path.of(name), internalValue(`io.k8s.api.core.v1.${type}`, event[name]), 'field is immutable')];
  return [
    ...(semanticEqual(event.series, old.series) ? [] : validateSeries(event)),
    ...struct('involvedObject', 'ObjectReference'),
    ...text('reason'),
    ...text('message'),
    ...struct('source', 'EventSource'),
    ...time('firstTimestamp'),
    ...time('lastTimestamp'),
    ...immutableField(event.count ?? 0, old.count ?? 0, Path.of('count')),
    ...text('reason'),
    ...text('type'),
    ...time('eventTime'),
    ...text('action'),
    ...struct('related', 'ObjectReference'),
    ...immutableField(event.reportingComponent ?? '', old.reportingComponent ?? '', Path.of('reportingController')),
    ...text('reportingInstance'),
  ];
}
