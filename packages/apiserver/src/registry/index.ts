/**
 * The behaviour of every built-in kind, by resource and group. A resource without an entry has no behaviour of its own:
 * it is stored as it comes.
 */

import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Authorize } from '../authz/attributes.ts';
import { type IsEnabled, isEnabledByDefault } from '../gates.ts';
import type { CompileExpression } from './admissionregistration/expressions.ts';
import { makeMutatingAdmissionPolicyRegistration } from './admissionregistration/mutatingadmissionpolicy/index.ts';
import { registration as mutatingAdmissionPolicyBindings } from './admissionregistration/mutatingadmissionpolicybinding/index.ts';
import { makeMutatingWebhookConfigurationRegistration } from './admissionregistration/mutatingwebhookconfiguration/index.ts';
import { makeValidatingAdmissionPolicyRegistration } from './admissionregistration/validatingadmissionpolicy/index.ts';
import { registration as validatingAdmissionPolicyBindings } from './admissionregistration/validatingadmissionpolicybinding/index.ts';
import { makeValidatingWebhookConfigurationRegistration } from './admissionregistration/validatingwebhookconfiguration/index.ts';
import { makeCustomResourceDefinitionRegistration } from './apiextensions/customresourcedefinition/index.ts';
import type { SchemaJudge } from './apiextensions/customresourcedefinition/schema.ts';
import { registration as apiServices } from './apiregistration/apiservice/index.ts';
import { registration as storageVersions } from './apiserverinternal/storageversion/index.ts';
import { registration as controllerRevisions } from './apps/controllerrevision/index.ts';
import { makeDaemonSetRegistration } from './apps/daemonset/index.ts';
import { makeDeploymentRegistration } from './apps/deployment/index.ts';
import { makeReplicaSetRegistration } from './apps/replicaset/index.ts';
import { makeStatefulSetRegistration } from './apps/statefulset/index.ts';
import { makeHorizontalPodAutoscalerRegistration } from './autoscaling/horizontalpodautoscaler/index.ts';
import { makeCronJobRegistration } from './batch/cronjob/index.ts';
import { makeJobRegistration } from './batch/job/index.ts';
import { makeCertificateSigningRequestRegistration } from './certificates/certificatesigningrequest/index.ts';
import { registration as clusterTrustBundles } from './certificates/clustertrustbundle/index.ts';
import { registration as podCertificateRequests } from './certificates/podcertificaterequest/index.ts';
import { registration as leases } from './coordination/lease/index.ts';
import { registration as leaseCandidates } from './coordination/leasecandidate/index.ts';
import { registration as componentStatuses } from './core/componentstatus/index.ts';
import { registration as configMaps } from './core/configmap/index.ts';
import { makeEndpointsRegistration } from './core/endpoints/index.ts';
import { makeEventRegistration } from './core/event/index.ts';
import { registration as limitRanges } from './core/limitrange/index.ts';
import { registration as namespaces } from './core/namespace/index.ts';
import { makeNodeRegistration } from './core/node/index.ts';
import { makePersistentVolumeRegistration } from './core/persistentvolume/index.ts';
import { makePersistentVolumeClaimRegistration } from './core/persistentvolumeclaim/index.ts';
import { makePodRegistration } from './core/pod/index.ts';
import type { PodPolicy } from './core/pod/validation/options.ts';
import { makePodTemplateRegistration } from './core/podtemplate/index.ts';
import { makeReplicationControllerRegistration } from './core/replicationcontroller/index.ts';
import { registration as resourceQuotas } from './core/resourcequota/index.ts';
import { registration as secrets } from './core/secret/index.ts';
import type { AllocationDeps } from './core/service/allocation/deps.ts';
import { makeServiceRegistration } from './core/service/index.ts';
import { registration as serviceAccounts } from './core/serviceaccount/index.ts';
import { makeEndpointSliceRegistration } from './discovery/endpointslice/index.ts';
import { makeEventsRegistration } from './events/event/index.ts';
import { registration as flowSchemas } from './flowcontrol/flowschema/index.ts';
import { registration as priorityLevelConfigurations } from './flowcontrol/prioritylevelconfiguration/index.ts';
import { makeIngressRegistration } from './networking/ingress/index.ts';
import { registration as ingressClasses } from './networking/ingressclass/index.ts';
import { registration as ipAddresses } from './networking/ipaddress/index.ts';
import { makeNetworkPolicyRegistration } from './networking/networkpolicy/index.ts';
import { makeServiceCIDRRegistration } from './networking/servicecidr/index.ts';
import { registration as runtimeClasses } from './node/runtimeclass/index.ts';
import { registration as podDisruptionBudgets } from './policy/poddisruptionbudget/index.ts';
import { registration as clusterRoles } from './rbac/clusterrole/index.ts';
import { registration as clusterRoleBindings } from './rbac/clusterrolebinding/index.ts';
import { registration as roles } from './rbac/role/index.ts';
import { registration as roleBindings } from './rbac/rolebinding/index.ts';
import type { NamespaceLabels } from './resource/adminaccess.ts';
import { makeDeviceClassRegistration } from './resource/deviceclass/index.ts';
import { registration as deviceTaintRules } from './resource/devicetaintrule/index.ts';
import { makeResourceClaimRegistration } from './resource/resourceclaim/index.ts';
import { makeResourceClaimTemplateRegistration } from './resource/resourceclaimtemplate/index.ts';
import { registration as resourcePoolStatusRequests } from './resource/resourcepoolstatusrequest/index.ts';
import { makeResourceSliceRegistration } from './resource/resourceslice/index.ts';
import { registration as podGroups } from './scheduling/podgroup/index.ts';
import { registration as priorityClasses } from './scheduling/priorityclass/index.ts';
import { registration as workloads } from './scheduling/workload/index.ts';
import { registration as csiDrivers } from './storage/csidriver/index.ts';
import { registration as csiNodes } from './storage/csinode/index.ts';
import { registration as csiStorageCapacities } from './storage/csistoragecapacity/index.ts';
import { registration as storageClasses } from './storage/storageclass/index.ts';
import { registration as volumeAttachments } from './storage/volumeattachment/index.ts';
import { registration as volumeAttributesClasses } from './storage/volumeattributesclass/index.ts';
import { registration as storageVersionMigrations } from './storagemigration/storageversionmigration/index.ts';
import type { KindRegistration } from './strategy.ts';

export interface RegistrationOptions {
  /** How long events are kept (--event-ttl). */
  readonly eventTtlSeconds: number;
  readonly services: AllocationDeps;
  /** Who may have access to devices of others depends on them. */
  readonly namespaceLabels: NamespaceLabels;
  /** For kinds of which not everyone may write every part; absent: everyone may. */
  readonly authorize?: Authorize;
  /** What judges defaults and rules in schemas of custom resources; without it any goes. */
  readonly schemas?: SchemaJudge;
  readonly pods: Omit<PodPolicy, 'isEnabled'>;
  /** Without it gates are as they are by default. */
  readonly isEnabled?: IsEnabled;
  /** Who reads CEL; without it the expressions of webhooks and policies are stored as they come. */
  readonly compileExpression?: CompileExpression;
  /** What kinds count goes there; without it they count nothing. */
  readonly metrics?: MetricsRegistry;
}

/** @returns registrations by `resource` (core) or `resource.group` */
export function builtinRegistrations(options: RegistrationOptions): Readonly<Record<string, KindRegistration>> {
  const { eventTtlSeconds, isEnabled = isEnabledByDefault, compileExpression } = options;
  const pods: PodPolicy = { ...options.pods, isEnabled };
  return {
    configmaps: configMaps,
    endpoints: makeEndpointsRegistration(isEnabled),
    events: makeEventRegistration(eventTtlSeconds),
    namespaces,
    componentstatuses: componentStatuses,
    limitranges: limitRanges,
    nodes: makeNodeRegistration(isEnabled),
    persistentvolumeclaims: makePersistentVolumeClaimRegistration(isEnabled),
    persistentvolumes: makePersistentVolumeRegistration(isEnabled),
    pods: makePodRegistration(pods),
    podtemplates: makePodTemplateRegistration(pods),
    replicationcontrollers: makeReplicationControllerRegistration(pods),
    resourcequotas: resourceQuotas,
    secrets,
    serviceaccounts: serviceAccounts,
    services: makeServiceRegistration(options.services, isEnabled),

    'mutatingadmissionpolicies.admissionregistration.k8s.io':
      makeMutatingAdmissionPolicyRegistration(compileExpression),
    'mutatingadmissionpolicybindings.admissionregistration.k8s.io': mutatingAdmissionPolicyBindings,
    'mutatingwebhookconfigurations.admissionregistration.k8s.io':
      makeMutatingWebhookConfigurationRegistration(compileExpression),
    'validatingadmissionpolicies.admissionregistration.k8s.io':
      makeValidatingAdmissionPolicyRegistration(compileExpression),
    'validatingadmissionpolicybindings.admissionregistration.k8s.io': validatingAdmissionPolicyBindings,
    'validatingwebhookconfigurations.admissionregistration.k8s.io':
      makeValidatingWebhookConfigurationRegistration(compileExpression),

    'controllerrevisions.apps': controllerRevisions,
    'daemonsets.apps': makeDaemonSetRegistration(pods),
    'deployments.apps': makeDeploymentRegistration(pods),
    'replicasets.apps': makeReplicaSetRegistration(pods),
    'statefulsets.apps': makeStatefulSetRegistration(pods),

    'cronjobs.batch': makeCronJobRegistration(pods),
    'jobs.batch': makeJobRegistration(pods),

    'horizontalpodautoscalers.autoscaling': makeHorizontalPodAutoscalerRegistration(isEnabled),

    'events.events.k8s.io': makeEventsRegistration(eventTtlSeconds),

    'certificatesigningrequests.certificates.k8s.io': makeCertificateSigningRequestRegistration(options.metrics),
    'clustertrustbundles.certificates.k8s.io': clusterTrustBundles,
    'podcertificaterequests.certificates.k8s.io': podCertificateRequests,

    'endpointslices.discovery.k8s.io': makeEndpointSliceRegistration(isEnabled),

    'leasecandidates.coordination.k8s.io': leaseCandidates,
    'leases.coordination.k8s.io': leases,

    'ingresses.networking.k8s.io': makeIngressRegistration(isEnabled),
    'ingressclasses.networking.k8s.io': ingressClasses,
    'ipaddresses.networking.k8s.io': ipAddresses,
    'networkpolicies.networking.k8s.io': makeNetworkPolicyRegistration(isEnabled),
    'servicecidrs.networking.k8s.io': makeServiceCIDRRegistration(isEnabled),

    'poddisruptionbudgets.policy': podDisruptionBudgets,

    'customresourcedefinitions.apiextensions.k8s.io': makeCustomResourceDefinitionRegistration(options.schemas ?? {}),

    'apiservices.apiregistration.k8s.io': apiServices,
    'deviceclasses.resource.k8s.io': makeDeviceClassRegistration(isEnabled),
    'devicetaintrules.resource.k8s.io': deviceTaintRules,
    'resourceclaims.resource.k8s.io': makeResourceClaimRegistration(
      options.namespaceLabels,
      isEnabled,
      options.authorize,
    ),
    'resourceclaimtemplates.resource.k8s.io': makeResourceClaimTemplateRegistration(options.namespaceLabels, isEnabled),
    'resourcepoolstatusrequests.resource.k8s.io': resourcePoolStatusRequests,
    'resourceslices.resource.k8s.io': makeResourceSliceRegistration(isEnabled),
    'flowschemas.flowcontrol.apiserver.k8s.io': flowSchemas,
    'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': priorityLevelConfigurations,
    'runtimeclasses.node.k8s.io': runtimeClasses,

    'clusterrolebindings.rbac.authorization.k8s.io': clusterRoleBindings,
    'clusterroles.rbac.authorization.k8s.io': clusterRoles,
    'rolebindings.rbac.authorization.k8s.io': roleBindings,
    'roles.rbac.authorization.k8s.io': roles,

    'podgroups.scheduling.k8s.io': podGroups,
    'priorityclasses.scheduling.k8s.io': priorityClasses,
    'workloads.scheduling.k8s.io': workloads,

    'storageversions.internal.apiserver.k8s.io': storageVersions,
    'storageversionmigrations.storagemigration.k8s.io': storageVersionMigrations,

    'storageclasses.storage.k8s.io': storageClasses,
    'csidrivers.storage.k8s.io': csiDrivers,
    'csinodes.storage.k8s.io': csiNodes,
    'csistoragecapacities.storage.k8s.io': csiStorageCapacities,
    'volumeattachments.storage.k8s.io': volumeAttachments,
    'volumeattributesclasses.storage.k8s.io': volumeAttributesClasses,
  };
}
