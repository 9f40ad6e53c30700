import { type ErrorList, invalid, named, notSupported, Path, required } from '@keelson/api/field';
import type { CronJob, CronJobSpec, JobTemplateSpec } from '@keelson/api/generated/types/batch/v1';
import { parseSchedule } from '@keelson/component/cron/schedule';
import { isTimeZone } from '@keelson/component/go/timezone';
import type { PodValidationOptions } from '../../core/pod/validation/options.ts';
import { nonNegative } from '../../validation/fields.ts';
import { shownSelector } from '../../validation/labelselector.ts';
import { validateSpecContent } from '../job/validation.ts';

const SPEC = Path.of('spec');
const POLICIES = ['Allow', 'Forbid', 'Replace'];
/** Its jobs are called after it and the minute: `-12345678ab` more. */
const MAX_NAME = 52;

export function validateCreate({ metadata: { name = '' }, spec }: CronJob, options: PodValidationOptions): ErrorList {
  const errors = validateSpec(spec, undefined, options);
  if (Buffer.byteLength(name) > MAX_NAME)
    errors.push(invalid(Path.of('metadata', 'name'), name, `must be no more than ${MAX_NAME} characters`));
  return errors;
}

export function validateSpec(
  spec: CronJobSpec,
  old: CronJobSpec | undefined,
  options: PodValidationOptions,
): ErrorList {
  const { timeZone, startingDeadlineSeconds, successfulJobsHistoryLimit, failedJobsHistoryLimit } = spec;
  const zoneChanges = !old || old.timeZone !== timeZone;
  return [
    ...validateSchedule(spec, old, SPEC.child('schedule')),
    ...nonNegative(startingDeadlineSeconds ?? 0, SPEC.child('startingDeadlineSeconds')),
    ...(zoneChanges && timeZone !== undefined ? validateTimeZone(timeZone, SPEC.child('timeZone')) : []),
    ...validateConcurrencyPolicy(spec.concurrencyPolicy ?? '', SPEC.child('concurrencyPolicy')),
    ...validateTemplate(spec.jobTemplate, options, SPEC.child('jobTemplate', 'spec')),
    ...nonNegative(successfulJobsHistoryLimit ?? 0, SPEC.child('successfulJobsHistoryLimit')),
    ...nonNegative(failedJobsHistoryLimit ?? 0, SPEC.child('failedJobsHistoryLimit')),
  ];
}

/** A zone in the schedule stays where it is from before there was a field for it. */
function validateSchedule({ schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined, path: Path): ErrorList {
  if (schedule === '') return [required(path)];
  const errors: ErrorList = [];
  try {
    parseSchedule(schedule);
  } catch (error) {
    errors.push(invalid(path, schedule, (error as Error).message));
  }
  if (!schedule.includes('TZ')) return errors;
  if (!old?.schedule.includes('TZ'))
    errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else if (timeZone !== undefined)
    errors.push(invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  return errors;
}

function validateTimeZone(zone: string, path: Path): ErrorList {
  if (zone === '') return [invalid(path, zone, 'timeZone must be nil or non-empty string')];
  const unknown = [invalid(path, named(zone), `unknown time zone ${zone}`)];
  if (!zone.split('/').every(isZonePart)) return unknown;
  const errors =
    zone.toLowerCase() === 'local'
      ? [invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')]
      : [];
  return isTimeZone(zone) ? errors : [...errors, ...unknown];
}

function isZonePart(part: string): boolean {
  return part !== '.' && part !== '..' && /^(?!-)[A-Za-z._0-9+-]{1,14}$/.test(part);
}

function validateConcurrencyPolicy(policy: string, path: Path): ErrorList {
  if (policy === '') return [required(path)];
  return POLICIES.includes(policy) ? [] : [notSupported(path, policy, POLICIES)];
}

/** Without a selector: each job gets its own. */
function validateTemplate({ spec }: JobTemplateSpec, options: PodValidationOptions, path: Path): ErrorList {
  const errors = validateSpecContent(spec, options, path);
  if (spec.selector)
    errors.push(invalid(path.child('selector'), shownSelector(spec.selector), '`selector` will be auto-generated'));
  if (spec.manualSelector) errors.push(notSupported(path.child('manualSelector'), true, ['nil', 'false']));
  return errors;
}
