import { expect, test } from 'vitest';
import { onEveryStorage } from '../../support/suite.ts';

const pod = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80 }] }],
  },
});

onEveryStorage('kubectl: reads', [], (subject) => {
  /** A namespace with its service account, which no controller makes here, and two pods. */
  async function pods(): Promise<string> {
    const ns = await subject.namespace();
    await subject.kubectl`create serviceaccount default -n ${ns}`;
    const items = [pod('one', { app: 'x' }), pod('two', { app: 'y' })];
    await subject.kubectl.with({
      stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    })`create -n ${ns} -f -`;
    return ns;
  }

  test('a table', async () => {
    const ns = await pods();
    expect(await subject.kubectl`get pods -n ${ns}`).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE\none +0\/1 +Pending +0 +\d+s\ntwo +0\/1 +Pending +0 +\d+s\n$/,
    );
    expect(await subject.kubectl`get pods -n ${ns} -o wide --no-headers`).toMatch(
      /^one +0\/1 +Pending +0 +\d+s +<none> +<none> +<none> +<none>$/m,
    );
    expect(await subject.kubectl`get pods -n ${ns} --show-labels -L app --no-headers`).toMatch(/^one .* +x +app=x$/m);
  });

  test.each([
    ['-o=name', 'pod/one\npod/two\n'],
    ['-o=jsonpath={.items[*].metadata.name}', 'one two'],
    ['-o=jsonpath={range .items[*]}{.metadata.name}:{.spec.containers[0].image} {end}', 'one:nginx two:nginx '],
    ['-o=go-template={{range .items}}{{.metadata.name}},{{end}}', 'one,two,'],
    ['-o=custom-columns=N:.metadata.name,I:.spec.containers[*].image', 'N     I\none   nginx\ntwo   nginx\n'],
  ])('get pods %s', async (output, expected) => {
    const ns = await pods();
    expect(await subject.kubectl`get pods -n ${ns} ${output}`).toBe(expected);
  });

  test('json, yaml and kyaml hold the whole object', async () => {
    const ns = await pods();
    const object = await subject.kubectl.json<{ kind: string; status: { qosClass: string } }>`get pod one -n ${ns}`;
    expect(object).toMatchObject({
      kind: 'Pod',
      apiVersion: 'v1',
      status: { qosClass: 'BestEffort', phase: 'Pending' },
    });
    expect(await subject.kubectl`get pod one -n ${ns} -o yaml`).toMatch(/^apiVersion: v1\nkind: Pod\nmetadata:\n/);
    expect(await subject.kubectl`get pod one -n ${ns} -o kyaml`).toContain('kind: "Pod",');
  });

  test('selectors, sorting, pages, several kinds', async () => {
    const ns = await pods();
    const k = subject.kubectl;
    expect(await k`get pods -n ${ns} -l ${'app in (y,z)'} -o name`).toBe('pod/two\n');
    expect(await k`get pods -n ${ns} -l ${'!app'} -o name`).toBe('');
    expect(await k`get pods -n ${ns} --field-selector=metadata.name=one -o name`).toBe('pod/one\n');
    expect(await k`get pods -n ${ns} --field-selector=status.phase!=Pending -o name`).toBe('');
    expect(await k`get pods -n ${ns} --sort-by={.metadata.labels.app} -o name`).toBe('pod/one\npod/two\n');
    expect(await k`get pods -n ${ns} --chunk-size=1 -o name`).toBe('pod/one\npod/two\n');
    expect(await k`get serviceaccounts,pods -n ${ns} -o name`).toBe('serviceaccount/default\npod/one\npod/two\n');
    expect(await k`get pods --all-namespaces --field-selector=metadata.namespace=${ns} -o name`).toBe(
      'pod/one\npod/two\n',
    );
    expect(await k`get pod/one sa/default -n ${ns} -o name`).toBe('pod/one\nserviceaccount/default\n');
  });

  test('what is missing is said to be', async () => {
    const ns = await pods();
    const one = await subject.kubectl.result({})`get pod nope -n ${ns}`;
    expect(one).toMatchObject({ code: 1, stderr: 'Error from server (NotFound): pods "nope" not found\n' });
    const none = await subject.kubectl.result({})`get configmaps -n ${ns}`;
    expect(none).toMatchObject({ code: 0, stderr: `No resources found in ${ns} namespace.\n` });
    expect((await subject.kubectl.result({})`get pods -n ${ns} -l ${'a in'}`).code).toBe(1);
  });

  test('describe', async () => {
    const ns = await pods();
    const text = await subject.kubectl`describe pod one -n ${ns}`;
    expect(text).toMatch(/^Name: +one\nNamespace: +test-/);
    expect(text).toMatch(/^Labels: +app=x$/m);
    expect(text).toMatch(/^ {4}Port: +80\/TCP$/m);
    expect(text).toMatch(/^QoS Class: +BestEffort$/m);
    expect(await subject.kubectl`describe namespace ${ns}`).toMatch(/^Status: +Active$/m);
    await subject.kubectl`create deployment d -n ${ns} --image=nginx`;
    expect(await subject.kubectl`describe deployment d -n ${ns}`).toMatch(/^StrategyType: +RollingUpdate$/m);
  });

  test('events', async () => {
    const ns = await pods();
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: ns },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: ns, name: 'one' },
      reason: 'Tested',
      message: 'it was looked at',
      type: 'Normal',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
    };
    await subject.kubectl.with({ stdin: JSON.stringify(event) })`create -f -`;
    expect(await subject.kubectl`events -n ${ns} --for=pod/one --no-headers`).toMatch(
      /Normal +Tested +Pod\/one +it was looked at/,
    );
  });
});
