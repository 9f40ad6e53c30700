/** What pods are told of volumes that they cannot have (WaitForAttachAndMount in pkg/kubelet/volumemanager). */
import { PodRejection, PreparationError } from '../pods/services.ts';
import { ClaimError } from './claims.ts';
import { NodeFull, Waiting } from './csi/attachments.ts';

const ATTACH_LIMIT = 'VolumeAttachmentLimitExceeded';

/** @param name of the volume in the pod, or of the persistent one */
export function setUpFailure(name: string, error: unknown): PreparationError {
  const message = `MountVolume.SetUp failed for volume "${name}" : ${(error as Error).message}`;
  return new PreparationError('FailedMount', message, error);
}

/** @param failures by the volume's name. Those that nobody knows yet come first: they are told of together. @throws PreparationError, PodRejection */
export function throwFirst(failures: ReadonlyMap<string, unknown>): void {
  const names = [...failures.keys()].sort();
  const unknown = names.filter((name) => failures.get(name) instanceof ClaimError);
  if (unknown.length > 0) {
    const why = unknown.map((name) => (failures.get(name) as Error).message).join('; ');
    const all = `unmounted volumes=[${names.join(' ')}], unattached volumes=[]`;
    const message = `Unable to attach or mount volumes: ${all}, failed to process volumes=[${unknown.join(' ')}]: ${why}`;
    throw new PreparationError('FailedMount', message);
  }
  const waiting = names.filter((name) => failures.get(name) instanceof Waiting);
  if (waiting.some((name) => failures.get(name) instanceof NodeFull)) {
    const all = `unmounted volumes=[${names.join(' ')}], unattached volumes=[${waiting.join(' ')}]`;
    const why = `${all}, failed to process volumes=[]: context deadline exceeded`;
    throw new PodRejection(ATTACH_LIMIT, `Node has reached its volume attachment limit, rejecting pod. ${why}`);
  }
  const [first] = failures;
  if (!first) return;
  const [name, error] = first;
  throw error instanceof PreparationError || error instanceof Waiting ? error : setUpFailure(name, error);
}
