/**
 * What the kubelet writes on sandboxes and containers, and finds again after a restart. Names and contents are upstream's
 * (pkg/kubelet/kuberuntime/labels.go, pkg/kubelet/types/labels.go), so that one kubelet finds what another left.
 */
export const POD_NAME = 'io.kubernetes.pod.name';
export const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
export const POD_UID = 'io.kubernetes.pod.uid';
export const CONTAINER_NAME = 'io.kubernetes.container.name';

export const POD_DELETION_GRACE = 'io.kubernetes.pod.deletionGracePeriod';
export const POD_TERMINATION_GRACE = 'io.kubernetes.pod.terminationGracePeriod';
export const CONTAINER_HASH = 'io.kubernetes.container.hash';
export const RESTART_COUNT = 'io.kubernetes.container.restartCount';
export const TERMINATION_MESSAGE_PATH = 'io.kubernetes.container.terminationMessagePath';
export const TERMINATION_MESSAGE_POLICY = 'io.kubernetes.container.terminationMessagePolicy';
export const PRE_STOP_HANDLER = 'io.kubernetes.container.preStopHandler';
export const CONTAINER_PORTS = 'io.kubernetes.container.ports';
