/** How the outcome of an expression is counted (plugin/policy/validating/errors.go). */
import type { PolicyCheck } from '../metrics.ts';

export function checkOf(
  policy: { readonly name: string },
  binding: { readonly name: string },
  { failed, message, ms }: { readonly failed: boolean; readonly message: string; readonly ms: number },
): PolicyCheck {
  return { policy: policy.name, binding: binding.name, error: failed ? errorOf(message) : 'no_error', ms };
}

function errorOf(message: string): PolicyCheck['error'] {
  if (message.startsWith('compilation')) return 'compile_error';
  return message.startsWith('validation failed due to running out of cost budget') ? 'out_of_budget' : 'invalid_error';
}
