/** The annotations that admission adds to an audit event. */
import { isQualifiedName } from '@keelson/api/validation/names';

/** `PREFIX/NAME`; what plugins or webhooks say under another key is dropped (pkg/admission/attributes.go: checkKeyFormat). */
export function isAnnotationKey(key: string): boolean {
  return key.split('/').length === 2 && isQualifiedName(key).length === 0;
}
