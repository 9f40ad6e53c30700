import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keelson } from './keelson.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-installation-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a command; `DIR` in it is the test's folder. */
async function run(command: string): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const code = await keelson(
    command.split(' ').map((word) => word.replace('DIR', folder)),
    {
      stdout: (text) => {
        stdout += text;
      },
      stderr: (text) => {
        stderr += text;
      },
      columns: 0,
      env: { PATH: process.env.PATH },
      onStop: () => {},
    },
  );
  return { code, stdout, stderr };
}

const algorithm = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nencryptionAlgorithm: ECDSA-P256\n';

describe('the commands about an installation', () => {
  test.each([
    ['init nonsense', '"keelson init" takes "phase NAME" alone, got "nonsense"'],
    ['init phase nonsense', 'there is no phase "nonsense"'],
    ['init phase certs nonsense', 'there is no phase "certs nonsense"'],
    ['init --skip-phases nonsense', '--skip-phases: there is no phase "nonsense"'],
    ['init --config DIR/c.yaml --pod-network-cidr 10.1.0.0/16', '--config says what --pod-network-cidr would'],
    ['init --config DIR/c.yaml --token abcdef.0123456789abcdef', '--config says what --token would'],
    ['init --config DIR/none.yaml', 'cannot read DIR/none.yaml: there is no such file'],
    [
      'init --config DIR/bad.yaml --root DIR',
      'DIR/bad.yaml: error converting YAML to JSON: yaml: line 4, column 10: mapping values are not allowed in this context',
    ],
    ['join --root DIR', 'nothing says which cluster to join'],
    ['init --root DIR --rootfs DIR', '--root and --rootfs exclude each other'],
    ['init --root DIR --service-cidr nonsense', 'the configuration: networking.serviceSubnet: "nonsense" is no CIDR'],
    [
      'init --root DIR --token nonsense',
      'the configuration: InitConfiguration: the bootstrap token "nonsen…" was not of the form',
    ],
    [
      'init --root DIR --certificate-key abc',
      'the configuration: certificateKey: certificate key decoding error: it is not hexadecimal',
    ],
    [
      'init --root DIR --certificate-key abcd',
      'the configuration: certificateKey: invalid certificate key size 2, the key must be an AES key of size 32',
    ],
    ['init --nonsense', 'unknown flag: --nonsense'],
    ['init phase kubeconfig admin --root DIR', 'the authority /etc/kubernetes/pki/ca.crt is not there'],
    [
      'certs nonsense --root DIR',
      '"keelson certs" knows certificate-key, check-expiration, generate-csr and renew, not "nonsense"',
    ],
    ['certs renew --root DIR', "say which: 'all', or names"],
    ['certs renew nonsense --root DIR', 'there is no certificate "nonsense"'],
    ['certs renew apiserver --root DIR', 'apiserver is not there'],
    ['certs check-expiration -o nonsense --root DIR', '--output nonsense is unknown'],
    ['token nonsense --root DIR', '"keelson token" knows create, list, delete and generate, not "nonsense"'],
    ['token create nonsense --root DIR', 'the bootstrap token "nonsen…" was not of the form'],
    ['token create --usages nonsense --root DIR', '--usages: "nonsense" is none of signing, authentication'],
    ['token create --certificate-key abc --root DIR', '--certificate-key: certificate key decoding error'],
    ['token delete --root DIR', 'say which: a token, or the part before its dot'],
    ['token list -o nonsense --root DIR', '--output nonsense is unknown'],
    ['token list --root DIR', 'cannot use DIR/etc/kubernetes/admin.conf'],
    ['upgrade nonsense --root DIR', '"keelson upgrade" knows plan, apply and node, not "nonsense"'],
    ['upgrade node v1.36.2 --root DIR', '"keelson upgrade node" takes no arguments, got "v1.36.2"'],
    ['upgrade node phase nonsense --root DIR', 'there is no phase "nonsense"'],
    ['upgrade node --root DIR', 'no node is installed on this machine: kubelet.conf names none'],
    ['join phase nonsense --root DIR', 'there is no phase "nonsense"'],
    ['join 10.0.0.1:6443 10.0.0.2:6443 --root DIR', '"keelson join" takes one HOST:PORT'],
    [
      'join 10.0.0.1:6443 --token abcdef.0123456789abcdef --discovery-token-unsafe-skip-ca-verification --control-plane --certificate-key abcd --root DIR',
      'the configuration: certificateKey: invalid certificate key size 2',
    ],
    ['reset phase nonsense --root DIR', 'there is no phase "nonsense"'],
    ['reset nonsense --root DIR', '"keelson reset" takes no arguments'],
  ])('%s is refused', async (command, message) => {
    await writeFile(join(folder, 'c.yaml'), algorithm);
    // Lines are those of the file, whichever of its documents they are in.
    await writeFile(join(folder, 'bad.yaml'), '# none\n---\ntoken: secret\nb: secret: d\n');
    const { code, stderr } = await run(command);
    expect(code).toBe(1);
    expect(stderr).toContain(`Error: ${message.replace('DIR', folder)}`);
    expect(stderr.trim().split('\n')).toHaveLength(2);
    expect(stderr).not.toContain('secret');
  });

  test.each([
    ['init --help', /^ {2}certs .*\n {4}ca /m],
    ['init phase', /keelson init phase NAME/],
    [
      'init phase certs apiserver --help',
      /^Makes the certificate that the API server shows its clients[\s\S]*keelson init phase certs apiserver \[flags\]/,
    ],
    ['certs', /keelson certs renew all/],
    ['token', /keelson token create \[TOKEN\]/],
    ['certs certificate-key', /^[0-9a-f]{64}\n$/],
    ['token generate', /^[a-z0-9]{6}\.[a-z0-9]{16}\n$/],
    ['reset --help', /There is no way back[\s\S]*^ {2}remove-etcd-member /m],
    [
      'join phase control-plane-prepare --help',
      /keelson join phase control-plane-prepare \[flags\]\n\nPhases:\n {2}download-certs/,
    ],
    ['upgrade node --help', /^ {2}kubelet-config /m],
  ])('%s is help', async (command, text) => {
    const { code, stdout } = await run(command);
    expect(code).toBe(0);
    expect(stdout).toMatch(text);
  });

  test('a dry run shows what holds no secrets, and changes nothing', async () => {
    await writeFile(join(folder, 'c.yaml'), algorithm);
    const { code, stdout } = await run(
      'init --dry-run --root DIR/machine --config DIR/c.yaml --ignore-preflight-errors all',
    );
    expect(code).toBe(0);
    expect(stdout).toContain(`(dry run) [certs] wrote ${folder}/machine/etc/kubernetes/pki/ca.crt`);
    expect(stdout).toContain('(dry run) [api] would put configmaps kube-system/kubeadm-config');
    expect(stdout).toMatch(/\/etc\/kubernetes\/manifests\/kube-apiserver.yaml\n {2}apiVersion: v1\n/);
    expect(stdout).not.toContain('PRIVATE KEY');
    expect(await readdir(folder)).toEqual(['c.yaml']);
  });

  test('--rootfs is another machine: what is written does not name the folder', async () => {
    await writeFile(join(folder, 'c.yaml'), algorithm);
    await run('init phase certs --rootfs DIR/image --config DIR/c.yaml');
    await run('init phase control-plane --rootfs DIR/image --config DIR/c.yaml --systemd');
    const unit = await readFile(join(folder, 'image/etc/systemd/system/kube-apiserver.service'), 'utf8');
    expect(unit).toContain('--tls-cert-file=/etc/kubernetes/pki/apiserver.crt');
    expect(unit).not.toContain(folder);
  });

  test('nothing to undo', async () => {
    expect(await run('reset --root DIR')).toEqual({ code: 0, stdout: 'There is nothing to undo.\n', stderr: '' });
  });
});
