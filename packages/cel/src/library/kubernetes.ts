/** The environment that Kubernetes gives every expression (k8s.io/apiserver/pkg/cel/environment/base.go). */
import { type Declarations, Environment } from '../environment.ts';
import { AUTHORIZER } from './authorizer.ts';
import { COMPREHENSIONS } from './comprehensions.ts';
import { EQUALITY_COST } from './equality.ts';
import { FORMAT } from './format.ts';
import { LISTS } from './lists.ts';
import { NETWORK } from './network.ts';
import { OPTIONAL } from './optional.ts';
import { QUANTITY } from './quantity.ts';
import { REGEX } from './regex.ts';
import { STANDARD } from './standard.ts';
import { STRINGS } from './strings.ts';
import { URLS } from './urls.ts';

const BASE = Environment.of(
  STANDARD,
  OPTIONAL,
  STRINGS,
  LISTS,
  COMPREHENSIONS,
  REGEX,
  URLS,
  NETWORK,
  QUANTITY,
  FORMAT,
  AUTHORIZER,
  EQUALITY_COST,
);

/** Kubernetes' base environment with what is declared besides. */
export function environment(...declarations: readonly Declarations[]): Environment {
  return BASE.extend(...declarations);
}
