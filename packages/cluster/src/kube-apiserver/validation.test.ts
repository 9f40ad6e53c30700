import { parseFlags } from '@keelson/component/pflag/flags';
import { describe, expect, test } from 'vitest';
import { flags } from './flags.ts';
import { validate } from './validation.ts';

const errorsOf = (...argv: string[]) => {
  const { values, given } = parseFlags(flags, argv);
  return validate(values, given);
};

const good = [
  '--etcd-servers=http://127.0.0.1:2379',
  '--service-account-issuer=https://issuer.example',
  '--service-account-key-file=key',
  '--service-account-signing-key-file=key',
];

test('without any flag, in the order and words of kube-apiserver v1.36, but for the embedded store', () => {
  expect(errorsOf()).toEqual([
    '--etcd-servers must be specified, or --data-dir for the embedded store',
    'service-account-issuer is a required flag',
    'either `--service-account-key-file` or `--service-account-signing-endpoint` must be set',
    '--service-account-signing-key-file and --service-account-issuer are required flags',
  ]);
});

test('--data-dir or memory instead of etcd', () => {
  expect(errorsOf(...good.slice(1), '--data-dir=x')).toEqual([]);
  expect(errorsOf(...good.slice(1), '--storage=memory')).toEqual([]);
  expect(errorsOf(...good.slice(1), '--storage=etcd')).toEqual(['--etcd-servers must be specified']);
});

describe('a signer of tokens outside', () => {
  const outside = [...good.slice(0, 2), '--service-account-signing-endpoint=/run/signer.sock'];
  const both =
    "can't set `--service-account-signing-key-file` and/or `--service-account-key-file` with `--service-account-signing-endpoint` (They are mutually exclusive)";
  test.each([
    [[], []],
    [['--service-account-signing-endpoint=@a-b.c_d'], []],
    [
      ['--service-account-signing-endpoint=@a b'],
      [
        'invalid value "@a b" passed for `--service-account-signing-endpoint`, when prefixed with @ must be a valid abstract socket name',
      ],
    ],
    [['--service-account-key-file=key'], [both]],
    [
      ['--service-account-signing-key-file=key', '--secure-port=0'],
      [
        'service-account-signing-key-file and service-account-signing-endpoint are mutually exclusive and cannot be set at the same time',
      ],
    ],
    [
      ['--service-account-max-token-expiration=59m', '--secure-port=0'],
      ['the service-account-max-token-expiration must be between 1 hour and 2^32 seconds'],
    ],
  ])('%j', (more, messages) => {
    expect(errorsOf(...outside, ...more)).toEqual(messages);
  });
});

describe('one at a time', () => {
  test.each([
    [[], []],
    [['--authorization-mode=Node,RBAC'], []],
    [['--feature-gates=ClusterTrustBundle=true'], []],
    [['--feature-gates=ClusterTrustBundle=true,Unknown=true'], ['unrecognized feature gate: Unknown']],
    [['--emulated-version=1.35', '--emulation-forward-compatible', '--min-compatibility-version=1.33'], []],
    [['--emulated-version=1.35.1', '--secure-port=99999'], ['patch version not allowed, got: kube=1.35.1']],
    [['--emulated-version=1.37'], ['emulation version 1.37 is not between [1.33, 1.36.0]']],
    [
      ['--emulated-version=1.35', '--feature-gates=DRAResourcePoolStatus=true'],
      [
        'cannot set feature gate DRAResourcePoolStatus to true, feature is PreAlpha at emulated version 1.35, min compatibility version 1.34',
      ],
    ],
    [
      ['--emulation-forward-compatible', '--runtime-config-emulation-forward-compatible'],
      [
        'ServerRunOptions.EmulationForwardCompatible cannot be set to true if the emulation version is the same as the binary version',
        'ServerRunOptions.RuntimeConfigEmulationForwardCompatible cannot be set to true if the emulation version is the same as the binary version',
      ],
    ],
    [['--watch-cache-sizes=pods#0,deployments.apps#+5'], []],
    [['--watch-cache-sizes=pods', '--secure-port=99999'], ['invalid value of watch cache size: pods']],
    [['--watch-cache-sizes=pods#1#2'], ['invalid value of watch cache size: pods#1#2']],
    [['--watch-cache-sizes=pods#many'], ['invalid size of watch cache size: pods#many']],
    [['--watch-cache-sizes=pods#-1'], ['watch cache size cannot be negative: pods#-1']],
    [['--watch-cache-sizes=pods', '--watch-cache=false'], []],
    [['--audit-log-mode=never'], []],
    [
      ['--audit-log-path=x', '--audit-log-mode=never', '--audit-log-format=xml', '--audit-log-maxage=-1'],
      [
        'invalid audit log mode never, allowed modes are "batch,blocking,blocking-strict"',
        'invalid audit log format xml, allowed formats are "legacy,json"',
        "--audit-log-maxage -1 can't be a negative number",
      ],
    ],
    [
      ['--audit-log-path=x', '--audit-log-mode=batch', '--audit-log-batch-buffer-size=0'],
      ['invalid audit batch log buffer size 0, must be a positive number'],
    ],
    [['--feature-gates=ClusterTrustBundle', '--secure-port=99999'], ['missing bool value for ClusterTrustBundle']],
    [
      ['--max-requests-inflight=0', '--max-mutating-requests-inflight=0'],
      [
        'invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive',
      ],
    ],
    [['--max-requests-inflight=0', '--max-mutating-requests-inflight=0', '--enable-priority-and-fairness=false'], []],
    [['--peer-ca-file=x', '--proxy-client-cert-file=x', '--proxy-client-key-file=x'], []],
    [['--admission-control=NodeRestriction'], []],
    [
      ['--admission-control=NodeRestriction', '--disable-admission-plugins=Priority'],
      ['admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive'],
    ],
    [['--peer-ca-file=x'], ['error building peer proxy handler, proxy-cert-file not specified']],
    [
      ['--peer-ca-file=x', '--proxy-client-cert-file=x'],
      ['error building peer proxy handler, proxy-key-file not specified'],
    ],
    [['--peer-advertise-ip=10.0.0.1', '--peer-advertise-port=443'], []],
    [['--peer-advertise-port=https'], ['--peer-advertise-port "https" is no port']],
    [
      ['--feature-gates=UnknownVersionInteroperabilityProxy=false', '--peer-ca-file=x', '--peer-advertise-port=1'],
      [
        '--peer-ca-file requires UnknownVersionInteroperabilityProxy feature to be turned on',
        '--peer-advertise-port requires UnknownVersionInteroperabilityProxy feature to be turned on',
      ],
    ],
    [['--service-cluster-ip-range=10.0.0.0/24,fd00::/112'], []],
    [
      ['--secure-port=99999'],
      ['--secure-port 99999 must be between 1 and 65535, inclusive. It cannot be turned off with 0'],
    ],
    [['--secure-port=0'], ['--secure-port 0 must be between 1 and 65535, inclusive. It cannot be turned off with 0']],
    [['--storage=disk'], ['--storage "disk" is unknown: lmdb, memory or etcd']],
    [
      ['--storage-backend=x'],
      ["--storage-backend invalid, allowed values: etcd3. If not specified, it will default to 'etcd3'"],
    ],
    [
      ['--encryption-provider-config-automatic-reload'],
      ['--encryption-provider-config-automatic-reload must be set with --encryption-provider-config'],
    ],
    [['--cors-allowed-origins=^https://a[.]b$', '--strict-transport-security-directives=max-age=1,preload'], []],
    [
      ['--cors-allowed-origins=a.b'],
      [
        '--cors-allowed-origins has an invalid regular expression: regular expression does not pin to start/end of host in the origin header',
      ],
    ],
    [
      ['--strict-transport-security-directives=max-age,foo'],
      [
        '--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information',
      ],
    ],
    [['--etcd-servers=http://a', '--etcd-servers-overrides=/events#http://b;http://c'], []],
    [
      ['--etcd-servers=http://a', '--etcd-servers-overrides=events#http://b'],
      [
        '--etcd-servers-overrides invalid, must be of format: group/resource#servers, where servers are URLs, semicolon separated',
      ],
    ],
    [
      ['--storage=memory', '--etcd-servers-overrides=/events#http://b'],
      ['--etcd-servers-overrides needs --etcd-servers'],
    ],
    [['--authorization-mode=Foo'], ['authorization-mode "Foo" is not a valid mode']],
    [['--authorization-mode='], ['at least one authorization-mode must be passed']],
    [['--authorization-mode=RBAC,RBAC'], ['authorization-mode ["RBAC" "RBAC"] has mode specified more than once']],
    [
      ['--oidc-issuer-url=https://x'],
      ['oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set'],
    ],
    [
      ['--authentication-config=x', '--oidc-username-claim=sub'],
      ['authentication-config file and oidc-* flags are mutually exclusive'],
    ],
    [
      ['--oidc-issuer-url=https://x', '--oidc-client-id=y', '--oidc-signing-algs=HS256'],
      ['oidc: unsupported signing alg: "HS256"'],
    ],
    [['--authorization-mode=ABAC'], ["authorization-mode ABAC's authorization policy file not passed"]],
    [['--authorization-mode=Webhook'], ["authorization-mode Webhook's authorization config file not passed"]],
    [
      ['--authorization-mode=Webhook', '--authorization-webhook-config-file=x', '--authorization-webhook-version=v2'],
      ['unsupported webhook authorizer version "v2", supported versions are "v1", "v1beta1"'],
    ],
    [['--authorization-config=x'], []],
    [
      ['--authorization-config=x', '--authorization-webhook-cache-authorized-ttl=1m'],
      [
        '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
      ],
    ],
    [['--authorization-policy-file=x'], ['cannot specify --authorization-policy-file without mode ABAC']],
    [['--runtime-config=abc'], ['runtime-config invalid key abc']],
    [['--runtime-config=api/all=false'], ['invalid runtime-config with only api/all=false']],
    [
      ['--service-account-issuer=https://issuer.example'],
      ['service-account-issuer "https://issuer.example" is already specified'],
    ],
    [['--service-account-jwks-uri=http://x'], ['service-account-jwks-uri requires https scheme, parsed as: http://x']],
    [
      ['--requestheader-allowed-names=a,,b', '--requestheader-uid-headers=X-Uid'],
      [
        'empty value in "requestheader-allowed-names"',
        '--requestheader-uid-headers is set without specifying the standard X-Remote-Uid header - API aggregation will not work',
      ],
    ],
    [['--requestheader-uid-headers=x-uid,x-remote-uid', '--requestheader-username-headers='], []],
    [
      ['--requestheader-uid-headers=X-Uid,', '--feature-gates=RemoteRequestHeaderUID=false'],
      ['--requestheader-uid-headers requires the "RemoteRequestHeaderUID" feature to be enabled'],
    ],
    [['--request-timeout=-1s'], ['--request-timeout can not be negative value']],
    [['--goaway-chance=0.5'], ['--goaway-chance can not be less than 0 or greater than 0.02']],
    [['--service-cluster-ip-range=10.0.0.0'], ['service-cluster-ip-range[0] is not a valid cidr']],
    [
      ['--service-cluster-ip-range=10.0.0.0/24,10.1.0.0/24'],
      ['--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family'],
    ],
    [['--kubernetes-service-node-port=80'], ["kubernetes service node port range 30000-32767 doesn't contain 80"]],
  ])('%j', (argv, errors) => {
    expect(errorsOf(...good, ...argv)).toEqual(errors);
  });
});
