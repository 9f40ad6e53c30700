import { mkdtempSync } from 'node:fs';
import { run } from './load/job.ts';
import { apiServer } from './servers/apiserver.ts';
import { cpuSeconds } from './servers/usage.ts';
import { ensurePods, ensureNamespace, NAMESPACE, pod, JSON_BODY, configMap } from './workloads/fixtures.ts';
const [dir, what = 'patch', windows = '5', per = '4000'] = process.argv.slice(2);
const prof = process.env.PROF;
const cmd = prof ? [process.execPath, '--conditions=keelson-source', `--cpu-prof`, `--cpu-prof-dir=${prof}`, `--cpu-prof-interval=500`, `${dir}/packages/cluster/src/bin/kube-apiserver.ts`] : [`${dir}/bin/kube-apiserver`];
const s = await apiServer({ name: 'x', command: cmd, node: false }).start(mkdtempSync('/tmp/long-'));
await ensureNamespace(s);
if (what === 'patch') await ensurePods(s, 2000);
for (let w = 0; w < Number(windows); w++) {
  const c = cpuSeconds(s);
  const t = what === 'patch' ? { method: 'PATCH', path: `/api/v1/namespaces/${NAMESPACE}/pods/pod-{i}`, headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ metadata: { labels: { merge: `v${w}-{n}` } } }) }
   : what === 'pod' ? { method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/pods`, headers: JSON_BODY, body: JSON.stringify(pod({ generateName: 'c-' })) }
   : { method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/configmaps`, headers: JSON_BODY, body: JSON.stringify(configMap({ generateName: 'c-' }, 'x')) };
  const r = await run({ kind: 'requests', target: s, templates: [t], count: Number(per), below: 2000, connections: 8, streams: 8 });
  console.log(what, w, Math.round(r.count / r.seconds), '/s', ((cpuSeconds(s) - c) / r.count * 1e6).toFixed(0), 'us cpu/op');
}
await s.stop();
