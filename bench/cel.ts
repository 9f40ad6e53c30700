/**
 * What a policy costs: compiling typical expressions, and evaluating them on a pod. `npm run bench:cel`
 *
 * Prints for each the compilations and the evaluations per second, the units of cost of one evaluation, and nanoseconds per unit.
 */
import { compile, DYN, environment } from '@keelson/cel';

const env = environment({ variables: { object: DYN, oldObject: DYN, params: DYN } });
const container = (i: number) => ({
  name: `c${i}`,
  image: `registry.k8s.io/app/image-${i}:v1.${i}`,
  resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '250m', memory: '256Mi' } },
  securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  ports: [{ containerPort: 8080, protocol: 'TCP' }],
});
const object = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web', tier: 'front', team: 'a' } },
  spec: { containers: [0, 1, 2].map(container), replicas: 3 },
};
const activation = {
  object,
  oldObject: object,
  params: { maxReplicas: 5, registries: ['registry.k8s.io', 'quay.io'] },
};

const EXPRESSIONS: Readonly<Record<string, string>> = {
  'replicas within a limit': 'object.spec.replicas <= params.maxReplicas',
  'required labels': "has(object.metadata.labels) && ['app', 'tier'].all(l, l in object.metadata.labels)",
  'images from registries':
    "object.spec.containers.all(c, params.registries.exists(r, c.image.startsWith(r + '/')) && !c.image.endsWith(':latest'))",
  'restricted containers': `object.spec.containers.all(c, has(c.securityContext) && c.securityContext.runAsNonRoot == true &&
    c.?securityContext.allowPrivilegeEscalation.orValue(true) == false && 'ALL' in c.securityContext.capabilities.drop)`,
  'memory below a limit':
    "object.spec.containers.all(c, quantity(c.resources.limits.memory).isLessThan(quantity('1Gi')))",
  'a pattern': "object.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
  'a long loop': 'lists.range(10000).map(i, i * 2).filter(i, i % 3 == 0).size() > 0',
};

function perSecond(run: () => unknown, millis = 400): number {
  for (const end = performance.now() + millis / 4; performance.now() < end; ) run();
  let count = 0;
  const start = performance.now();
  for (const end = start + millis; performance.now() < end; count++) run();
  return (count * 1000) / (performance.now() - start);
}

const round = (n: number) => Math.round(n).toLocaleString('en').padStart(11);

console.log(`${''.padEnd(26)}  compiles/s   evaluates/s     units   ns/unit`);
for (const [name, text] of Object.entries(EXPRESSIONS)) {
  const compiled = compile(env, text);
  if (compiled.issues) throw new Error(compiled.issues.message);
  const program = compiled.program();
  const { cost } = program.evaluate(activation);
  const compiles = perSecond(() => compile(env, text));
  const evaluates = perSecond(() => program.evaluate(activation));
  console.log(
    `${name.padEnd(26)} ${round(compiles)}   ${round(evaluates)} ${round(cost).slice(2)} ${round(1e9 / evaluates / cost).slice(2)}`,
  );
}
