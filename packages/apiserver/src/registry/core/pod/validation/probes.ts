/** Probes and lifecycle hooks. */

import { type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type {
  GRPCAction,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  PodOS,
  Probe,
} from '@keelson/api/generated/types/core/v1';
import type { AnyContainer } from '@keelson/api/resources/pod-parts';
import type { IntOrString } from '@keelson/api/scalars';
import { isHTTPHeaderName, isValidPortName, isValidPortNum } from '@keelson/api/validation/names';
import { invalidFor, nonNegative } from '../../../validation/fields.ts';

const SCHEMES = ['HTTP', 'HTTPS'];

/** What lifecycle hooks and all three probes of a container say. */
export function validateHooks(
  { lifecycle, livenessProbe, readinessProbe, startupProbe }: AnyContainer,
  os: PodOS | undefined,
  gracePeriod: number | undefined,
  path: Path,
): ErrorList {
  return [
    ...(lifecycle ? validateLifecycle(lifecycle, os, gracePeriod, path.child('lifecycle')) : []),
    ...validateSingleSuccessProbe(livenessProbe, path.child('livenessProbe')),
    ...validateReadinessProbe(readinessProbe, path.child('readinessProbe')),
    ...validateSingleSuccessProbe(startupProbe, path.child('startupProbe')),
  ];
}

function validateSingleSuccessProbe(probe: Probe | undefined, path: Path): ErrorList {
  if (!probe) return [];
  const errors = validateProbe(probe, path);
  if (probe.successThreshold !== 1)
    errors.push(invalid(path.child('successThreshold'), probe.successThreshold ?? 0, 'must be 1'));
  return errors;
}

function validateReadinessProbe(probe: Probe | undefined, path: Path): ErrorList {
  if (!probe) return [];
  const errors = validateProbe(probe, path);
  const { terminationGracePeriodSeconds: period } = probe;
  if (period !== undefined)
    errors.push(invalid(path.child('terminationGracePeriodSeconds'), period, 'must not be set for readinessProbes'));
  return errors;
}

function validateProbe(probe: Probe, path: Path): ErrorList {
  const errors = validateHandler(probe, undefined, path);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    errors.push(...nonNegative(probe[key] ?? 0, path.child(key)));
  const { terminationGracePeriodSeconds: period } = probe;
  if (period !== undefined && period <= 0)
    errors.push(invalid(path.child('terminationGracePeriodSeconds'), period, 'must be greater than 0'));
  return errors;
}

type Handler = LifecycleHandler & { readonly grpc?: GRPCAction };

function validateHandler(handler: Handler, gracePeriod: number | undefined, path: Path): ErrorList {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const checks: readonly (readonly [string, object | undefined, (at: Path) => ErrorList])[] = [
    ['exec', exec, (at) => (exec!.command?.length ? [] : [required(at.child('command'))])],
    ['httpGet', httpGet, (at) => validateHTTPGet(httpGet!, at)],
    ['tcpSocket', tcpSocket, (at) => validatePort(tcpSocket!.port, at.child('port'))],
    ['grpc', grpc, (at) => validatePort(grpc!.port, at.child('port'))],
    ['sleep', sleep, (at) => validateSleep(sleep!.seconds, gracePeriod, at)],
  ];
  const present = checks.filter(([, action]) => action !== undefined);
  if (present.length === 0) return [required(path, 'must specify a handler type')];
  return present.flatMap(([key, , check], i) =>
    i === 0 ? check(path.child(key)) : [forbidden(path.child(key), 'may not specify more than 1 handler type')],
  );
}

function validateHTTPGet({ path: target, port, scheme = '', httpHeaders }: HTTPGetAction, path: Path): ErrorList {
  return [
    ...(target ? [] : [required(path.child('path'))]),
    ...validatePort(port, path.child('port')),
    ...(SCHEMES.includes(scheme) ? [] : [notSupported(path.child('scheme'), scheme, SCHEMES)]),
    ...(httpHeaders ?? []).flatMap(({ name }) => invalidFor(path.child('httpHeaders'), name, isHTTPHeaderName(name))),
  ];
}

/** A number, or a name that the container gives a port. */
function validatePort(port: IntOrString, path: Path): ErrorList {
  return invalidFor(path, port, typeof port === 'number' ? isValidPortNum(port) : isValidPortName(port));
}

/** A pod without a grace period has been found out elsewhere. */
function validateSleep(seconds: number, gracePeriod: number | undefined, path: Path): ErrorList {
  if (gracePeriod === undefined || (seconds >= 0 && seconds <= gracePeriod)) return [];
  return [invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`)];
}

function validateLifecycle(
  { postStart, preStop, stopSignal }: Lifecycle,
  os: PodOS | undefined,
  gracePeriod: number | undefined,
  path: Path,
): ErrorList {
  return [
    ...(postStart ? validateHandler(postStart, gracePeriod, path.child('postStart')) : []),
    ...(preStop ? validateHandler(preStop, gracePeriod, path.child('preStop')) : []),
    ...(stopSignal === undefined ? [] : validateStopSignal(stopSignal, os, path.child('stopSignal'))),
  ];
}

const WINDOWS_SIGNALS = ['SIGKILL', 'SIGTERM'];
const LINUX_SIGNALS = [
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP'.split(
    ' ',
  ),
  ...'TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'.split(' '),
  ...Array.from({ length: 15 }, (_, i) => `RTMIN+${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `RTMAX-${i + 1}`),
]
  .map((name) => `SIG${name}`)
  .sort();

function validateStopSignal(signal: string, os: PodOS | undefined, path: Path): ErrorList {
  if (!os) return [forbidden(path, 'may not be set for containers with empty `spec.os.name`')];
  const supported = { windows: WINDOWS_SIGNALS, linux: LINUX_SIGNALS }[os.name];
  return !supported || supported.includes(signal) ? [] : [notSupported(path, signal, supported)];
}
