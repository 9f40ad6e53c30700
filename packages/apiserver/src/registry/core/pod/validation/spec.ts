/** Pod specs, of pods and of templates (k8s.io/kubernetes/pkg/apis/core/validation ValidatePodSpec). */

import { duplicate, type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { PodSchedulingGate, PodSpec, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/object';
import { isInRange, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { validateLabels } from '../../../validation/labelselector.ts';
import { validateAnnotations } from '../../../validation/objectmeta.ts';
import { validateAffinity } from './affinity.ts';
import { validatePodAnnotations } from './annotations.ts';
import { type ContainerContext, validateContainers, validateInitContainers } from './containers.ts';
import { validateDNSConfig, validateDNSPolicy, validateHostAliases, validateHostnameOverride } from './dns.ts';
import { validateFileKeyVolumes } from './env.ts';
import { validateEphemeralContainers } from './ephemeral.ts';
import { dnsLabel, qualifiedName } from './names.ts';
import type { PodValidationOptions } from './options.ts';
import { validateAppArmorAgreement, validateSeccompAgreement } from './profiles.ts';
import { validateResourceClaims } from './resourceclaims.ts';
import { validateContainerResources, validatePodResources } from './resources.ts';
import { validatePodSecurityContext } from './securitycontext.ts';
import { validateTolerations } from './tolerations.ts';
import { validateTopologySpread } from './topologyspread.ts';
import { containersWithPath } from './visit.ts';
import { validateVolumes } from './volumes.ts';
import { validateHostProcess, validateOS } from './windows.ts';

const MAX_INT32 = 2 ** 31 - 1;
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'];

/** @param metadata of the pod; absent for a template's spec */
export function validatePodSpec(
  spec: PodSpec,
  metadata: ObjectMeta | undefined,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const { errors, valid: volumes } = validateVolumes(spec.volumes ?? [], metadata, options, path.child('volumes'));
  const claims = spec.resourceClaims ?? [];
  const claimNames = new Set(claims.map(({ name }) => name).filter((name) => name));
  const context: ContainerContext = { spec, volumes, claimNames, options };
  const restartPolicy = spec.restartPolicy ?? '';
  const dnsPolicy = spec.dnsPolicy ?? '';
  return [
    ...(spec.terminationGracePeriodSeconds === undefined
      ? [required(path.child('terminationGracePeriodSeconds'))]
      : []),
    ...errors,
    ...validateResourceClaims(claims, metadata, path.child('resourceClaims')),
    ...validateContainers(context, path.child('containers')),
    ...validateInitContainers(context, path.child('initContainers')),
    ...validateEphemeralContainers(context, path.child('ephemeralContainers')),
    ...validatePodResources(spec, claimNames, options, path.child('resources')),
    ...validateHostPortsOfHost(spec, options, path.child('containers')),
    ...requiredOneOf(restartPolicy, RESTART_POLICIES, path.child('restartPolicy')),
    ...validateDNSPolicy(dnsPolicy, path.child('dnsPolicy')),
    ...validateLabels(spec.nodeSelector, path.child('nodeSelector')),
    ...validatePodSecurityContext(spec, options, path.child('securityContext')),
    ...validateAffinity(spec.affinity, options, path.child('affinity')),
    ...validateDNSConfig(spec.dnsConfig, dnsPolicy, options, path.child('dnsConfig')),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType = '' }, i) =>
      qualifiedName(conditionType, path.child('readinessGates').index(i).child('conditionType')),
    ),
    ...validateSchedulingGates(spec.schedulingGates ?? [], path.child('schedulingGates')),
    ...validateTopologySpread(spec.topologySpreadConstraints ?? [], options, path.child('topologySpreadConstraints')),
    ...validateHostProcess(spec, options.allowPrivileged, path),
    ...validateUserNamespace(spec, options, path),
    ...validateHostnameOverride(spec, path),
    ...validateNames(spec, options, path),
    ...validateOS(spec, path),
    ...validateSchedulingGroup(spec, path.child('schedulingGroup', 'podGroupName')),
    ...validateFileKeyVolumes(spec, path),
  ];
}

function requiredOneOf(value: string, supported: readonly string[], path: Path): ErrorList {
  if (value === '') return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

function validateNames(spec: PodSpec, options: PodValidationOptions, path: Path): ErrorList {
  const name = (key: 'serviceAccountName' | 'nodeName' | 'priorityClassName') =>
    spec[key] ? invalidFor(path.child(key), spec[key], nameIsDNSSubdomain(spec[key], false)) : [];
  const label = (key: 'hostname' | 'subdomain') => (spec[key] ? dnsLabel(spec[key], path.child(key)) : []);
  const { activeDeadlineSeconds: deadline, runtimeClassName, preemptionPolicy, overhead } = spec;
  return [
    ...name('serviceAccountName'),
    ...name('nodeName'),
    ...(deadline === undefined
      ? []
      : invalidFor(path.child('activeDeadlineSeconds'), deadline, isInRange(deadline, 1, MAX_INT32))),
    ...label('hostname'),
    ...label('subdomain'),
    ...validateTolerations(spec.tolerations ?? [], options, path.child('tolerations')),
    ...validateHostAliases(spec.hostAliases ?? [], options, path.child('hostAliases')),
    ...name('priorityClassName'),
    ...(runtimeClassName === undefined
      ? []
      : invalidFor(path.child('runtimeClassName'), runtimeClassName, nameIsDNSSubdomain(runtimeClassName, false))),
    ...(preemptionPolicy === undefined
      ? []
      : requiredOneOf(preemptionPolicy, PREEMPTION_POLICIES, path.child('preemptionPolicy'))),
    ...(overhead ? validateContainerResources({ limits: overhead }, new Set(), options, path.child('overhead')) : []),
  ];
}

/** On the host's network a port is the host's; in templates it may still be missing. */
function validateHostPortsOfHost(spec: PodSpec, options: PodValidationOptions, path: Path): ErrorList {
  if (!spec.hostNetwork) return [];
  return (spec.containers ?? []).flatMap(({ ports }, i) =>
    (ports ?? []).flatMap(({ hostPort = 0, containerPort }, j) =>
      (options.resourceIsPod || hostPort !== 0) && hostPort !== containerPort
        ? [
            invalid(
              path.index(i).child('ports').index(j).child('hostPort'),
              hostPort,
              'must match `containerPort` when `hostNetwork` is true',
            ),
          ]
        : [],
    ),
  );
}

function validateSchedulingGates(gates: readonly PodSchedulingGate[], path: Path): ErrorList {
  const seen = new Set<string>();
  return gates.flatMap(({ name = '' }, i) => {
    const errors = qualifiedName(name, path.index(i));
    if (seen.has(name)) errors.push(duplicate(path.index(i), name));
    seen.add(name);
    return errors;
  });
}

/** A pod with users of its own shares no other namespace with its host. */
function validateUserNamespace(spec: PodSpec, options: PodValidationOptions, path: Path): ErrorList {
  if (spec.hostUsers !== false) return [];
  const problem = 'when `hostUsers` is false';
  const errors: ErrorList = [];
  if (spec.hostNetwork && !options.allowUserNamespacesWithHostNetwork)
    errors.push(forbidden(path.child('hostNetwork'), problem));
  if (spec.hostPID) errors.push(forbidden(path.child('HostPID'), problem));
  if (spec.hostIPC) errors.push(forbidden(path.child('HostIPC'), problem));
  if (!options.allowUserNamespacesWithVolumeDevices)
    for (const [{ volumeDevices }, at] of containersWithPath(spec, path))
      if (volumeDevices?.length) errors.push(forbidden(at.child('volumeDevices'), problem));
  return errors;
}

function validateSchedulingGroup({ schedulingGroup }: PodSpec, path: Path): ErrorList {
  if (!schedulingGroup) return [];
  const { podGroupName: name } = schedulingGroup;
  if (name === undefined) return [invalid(path, undefined, 'must specify one of: `podGroupName`')];
  return invalidFor(path, name, nameIsDNSSubdomain(name, false));
}

/** The template of a pod, in whatever makes pods. */
export function validatePodTemplateSpec(
  template: PodTemplateSpec,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const { labels, annotations = {} } = template.metadata;
  const annotationsAt = path.child('annotations');
  const specAt = path.child('spec');
  return [
    ...validateLabels(labels, path.child('labels')),
    ...validateAnnotations(annotations, annotationsAt),
    ...validatePodAnnotations(annotations, template.spec, options, annotationsAt),
    ...validatePodSpec(template.spec, undefined, options, specAt),
    ...validateSeccompAgreement(template, specAt),
    ...validateAppArmorAgreement(template, specAt),
    ...(template.spec.ephemeralContainers?.length
      ? [forbidden(specAt.child('ephemeralContainers'), 'ephemeral containers not allowed in pod template')]
      : []),
  ];
}
