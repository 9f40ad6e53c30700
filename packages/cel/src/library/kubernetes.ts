/** The environment that Kubernetes gives every expression (k8s.io/apiserver/pkg/cel/environment/base.go). */
import { type Declarations, Environment } from '../environment.ts';
import { OPTIONAL } from './optional.ts';
import { STANDARD } from './standard.ts';

const BASE = Environment.of(STANDARD, OPTIONAL);

/** Kubernetes' base environment with what is declared besides. */
export function environment(...declarations: readonly Declarations[]): Environment {
  return BASE.extend(...declarations);
}
