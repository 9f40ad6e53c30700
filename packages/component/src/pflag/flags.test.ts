import { describe, expect, test } from 'vitest';
import { kubeApiserverFlags } from '../generated/kube-apiserver-flags.ts';
import { FlagError, flagTexts, parseFlags, showFlag } from './flags.ts';

const parse = (...argv: string[]) => parseFlags(kubeApiserverFlags, argv);

/** Command lines that kube-apiserver v1.36 refuses, with the text it prints behind "Error: ". */
const refused: [argv: string[], message: string][] = [
  [['--nope'], 'unknown flag: --nope'],
  [['--nope=3'], 'unknown flag: --nope'],
  [['--no--anonymous-auth'], 'unknown flag: --no--anonymous-auth'],
  [['-x'], "unknown shorthand flag: 'x' in -x"],
  [['-abc'], "unknown shorthand flag: 'a' in -abc"],
  [['--=x'], 'bad flag syntax: --=x'],
  [['---x'], 'bad flag syntax: ---x'],
  [['-v'], "flag needs an argument: 'v' in -v"],
  [['-hv'], "flag needs an argument: 'v' in -v"],
  [['--secure-port'], 'flag needs an argument: --secure-port'],
  [['-vx'], 'invalid argument "x" for "-v, --v" flag: strconv.ParseUint: parsing "x": invalid syntax'],
  [['-v='], 'invalid argument "=" for "-v, --v" flag: strconv.ParseUint: parsing "=": invalid syntax'],
  [['--v=-1'], 'invalid argument "-1" for "-v, --v" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
  [
    ['--v=99999999999'],
    'invalid argument "99999999999" for "-v, --v" flag: strconv.ParseUint: parsing "99999999999": value out of range',
  ],
  [
    ['--secure-port=abc'],
    'invalid argument "abc" for "--secure-port" flag: strconv.ParseInt: parsing "abc": invalid syntax',
  ],
  [['--secure_port=x'], 'invalid argument "x" for "--secure-port" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [['--secure-port='], 'invalid argument "" for "--secure-port" flag: strconv.ParseInt: parsing "": invalid syntax'],
  [
    ['--secure-port=08'],
    'invalid argument "08" for "--secure-port" flag: strconv.ParseInt: parsing "08": invalid syntax',
  ],
  [
    ['--secure-port=1.5'],
    'invalid argument "1.5" for "--secure-port" flag: strconv.ParseInt: parsing "1.5": invalid syntax',
  ],
  [
    ['--secure-port=99999999999999999999'],
    'invalid argument "99999999999999999999" for "--secure-port" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
  ],
  [
    ['--secure-port=\u0001\ty"é\u200b'],
    'invalid argument "\\x01\\ty\\"é\\u200b" for "--secure-port" flag: strconv.ParseInt: parsing "\\x01\\ty\\"é\\u200b": invalid syntax',
  ],
  [['--request-timeout=5'], 'invalid argument "5" for "--request-timeout" flag: time: missing unit in duration "5"'],
  [
    ['--request-timeout=1x'],
    'invalid argument "1x" for "--request-timeout" flag: time: unknown unit "x" in duration "1x"',
  ],
  [
    ['--request-timeout=1h-3m'],
    'invalid argument "1h-3m" for "--request-timeout" flag: time: unknown unit "h-" in duration "1h-3m"',
  ],
  [['--request-timeout='], 'invalid argument "" for "--request-timeout" flag: time: invalid duration ""'],
  [['--request-timeout=.s'], 'invalid argument ".s" for "--request-timeout" flag: time: invalid duration ".s"'],
  [
    ['--event-ttl=9999999999h'],
    'invalid argument "9999999999h" for "--event-ttl" flag: time: invalid duration "9999999999h"',
  ],
  [
    ['--anonymous-auth=maybe'],
    'invalid argument "maybe" for "--anonymous-auth" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [['--help=foo'], 'invalid argument "foo" for "-h, --help" flag: strconv.ParseBool: parsing "foo": invalid syntax'],
  [['--version=foo'], 'invalid argument "foo" for "--version" flag: strconv.ParseBool: parsing "foo": invalid syntax'],
  [
    ['--advertise-address=1.2.3'],
    'invalid argument "1.2.3" for "--advertise-address" flag: failed to parse IP: "1.2.3"',
  ],
  [
    ['--advertise-address=01.2.3.4'],
    'invalid argument "01.2.3.4" for "--advertise-address" flag: failed to parse IP: "01.2.3.4"',
  ],
  [
    ['--advertise-address=fe80::1%eth0'],
    'invalid argument "fe80::1%eth0" for "--advertise-address" flag: failed to parse IP: "fe80::1%eth0"',
  ],
  [
    ['--goaway-chance=x'],
    'invalid argument "x" for "--goaway-chance" flag: strconv.ParseFloat: parsing "x": invalid syntax',
  ],
  [
    ['--goaway-chance='],
    'invalid argument "" for "--goaway-chance" flag: strconv.ParseFloat: parsing "": invalid syntax',
  ],
  [
    ['--goaway-chance=1e999'],
    'invalid argument "1e999" for "--goaway-chance" flag: strconv.ParseFloat: parsing "1e999": value out of range',
  ],
  [
    ['--audit-log-batch-throttle-qps=1e99'],
    'invalid argument "1e99" for "--audit-log-batch-throttle-qps" flag: strconv.ParseFloat: parsing "1e99": value out of range',
  ],
  [
    ['--tls-curve-preferences=a'],
    'invalid argument "a" for "--tls-curve-preferences" flag: strconv.ParseInt: parsing "a": invalid syntax',
  ],
  [
    ['--tls-curve-preferences='],
    'invalid argument "" for "--tls-curve-preferences" flag: strconv.ParseInt: parsing "": invalid syntax',
  ],
  [
    ['--tls-curve-preferences=99999999999'],
    'invalid argument "99999999999" for "--tls-curve-preferences" flag: strconv.ParseInt: parsing "99999999999": value out of range',
  ],
  [
    ['--tls-sni-cert-key=a,b,c'],
    'invalid argument "a,b,c" for "--tls-sni-cert-key" flag: expected comma separated certificate and key file paths',
  ],
  [
    ['--tls-sni-cert-key=a,b: '],
    'invalid argument "a,b: " for "--tls-sni-cert-key" flag: empty names list is not allowed',
  ],
  [
    ['--oidc-required-claim=abc'],
    'invalid argument "abc" for "--oidc-required-claim" flag: malformed pair, expect string=string',
  ],
  [
    ['--oidc-required-claim='],
    'invalid argument "" for "--oidc-required-claim" flag: malformed pair, expect string=string',
  ],
  [
    ['--allow-metric-labels=abc'],
    'invalid argument "abc" for "--allow-metric-labels" flag: abc must be formatted as key=value',
  ],
  [
    ['--allow-metric-labels=a=b,c=d,e'],
    'invalid argument "a=b,c=d,e" for "--allow-metric-labels" flag: e must be formatted as key=value',
  ],
  [['--vmodule=foo'], 'invalid argument "foo" for "--vmodule" flag: "foo" does not have the pattern=N format'],
  [['--vmodule=a=b=c'], 'invalid argument "a=b=c" for "--vmodule" flag: "a=b=c" does not have the pattern=N format'],
  [
    ['--v=2', '--vmodule=a=b'],
    'invalid argument "a=b" for "--vmodule" flag: parsing verbosity in "a=b": strconv.ParseUint: parsing "b": invalid syntax',
  ],
  [
    ['--service-node-port-range=x'],
    'invalid argument "x" for "--service-node-port-range" flag: strconv.Atoi: parsing "x": invalid syntax',
  ],
  [
    ['--service-node-port-range=1-2-3'],
    'invalid argument "1-2-3" for "--service-node-port-range" flag: strconv.Atoi: parsing "2-3": invalid syntax',
  ],
  [
    ['--service-node-port-range=9-3'],
    'invalid argument "9-3" for "--service-node-port-range" flag: end port cannot be less than start port: 9-3',
  ],
  [
    ['--service-node-port-range=70000'],
    'invalid argument "70000" for "--service-node-port-range" flag: the port range cannot be greater than 65535: 70000',
  ],
  [
    ['--service-node-port-range=1-2+3'],
    'invalid argument "1-2+3" for "--service-node-port-range" flag: unable to parse port range: 1-2+3',
  ],
  [
    ['--log-json-info-buffer-size='],
    'invalid argument "" for "--log-json-info-buffer-size" flag: quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
  ],
  [
    ['--log-json-info-buffer-size=1Kx'],
    'invalid argument "1Kx" for "--log-json-info-buffer-size" flag: quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
  ],
  [
    ['--log-json-info-buffer-size=1e'],
    'invalid argument "1e" for "--log-json-info-buffer-size" flag: unable to parse quantity\'s suffix',
  ],
  [
    ['--cors-allowed-origins=a"b'],
    'invalid argument "a\\"b" for "--cors-allowed-origins" flag: parse error on line 1, column 2: bare " in non-quoted-field',
  ],
  [
    ['--cors-allowed-origins="a'],
    'invalid argument "\\"a" for "--cors-allowed-origins" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
  ],
  [
    ['--cors-allowed-origins="a"b'],
    'invalid argument "\\"a\\"b" for "--cors-allowed-origins" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
  ],
  [['--cors-allowed-origins=\n'], 'invalid argument "\\n" for "--cors-allowed-origins" flag: EOF'],
];

test.each(refused)('refuses %j', (argv, message) => {
  expect(() => parse(...argv)).toThrow(new FlagError(message));
});

/** Command lines that kube-apiserver v1.36 takes, the flag looked at, and its value. */
const accepted: [argv: string[], flag: keyof typeof kubeApiserverFlags, value: unknown][] = [
  [[], 'secure-port', 6443],
  [[], 'request-timeout', 60_000],
  [[], 'event-ttl', 3_600_000],
  [[], 'oidc-signing-algs', ['RS256']],
  [[], 'service-node-port-range', { first: 30000, last: 32767 }],
  [[], 'tls-curve-preferences', []],
  [[], 'audit-webhook-batch-throttle-qps', 10],
  [[], 'version', 'false'],
  [['--secure-port=0x1F'], 'secure-port', 31],
  [['--secure-port=1_000'], 'secure-port', 1000],
  [['--secure-port=017'], 'secure-port', 15],
  [['--secure-port', '7'], 'secure-port', 7],
  [['--secure_port', '7', '--secure-port=8'], 'secure-port', 8],
  [['--request-timeout=-0.5h3m'], 'request-timeout', -33 * 60_000],
  [['--request-timeout=1µs'], 'request-timeout', 0.001],
  [['--request-timeout=0'], 'request-timeout', 0],
  [['--anonymous-auth'], 'anonymous-auth', true],
  [['--anonymous-auth=F'], 'anonymous-auth', false],
  [['--anonymous-auth', 'false'], 'anonymous-auth', true],
  [['--goaway-chance=0x1p-2'], 'goaway-chance', 0.25],
  [['--goaway-chance=1_0.5'], 'goaway-chance', 10.5],
  [['--goaway-chance=inf'], 'goaway-chance', Infinity],
  [['--advertise-address= 1.2.3.4 '], 'advertise-address', '1.2.3.4'],
  [['--advertise-address=::1', '--advertise-address='], 'advertise-address', '::1'],
  [['--etcd-servers=a,b', '--etcd-servers', '"c,d","e""f"'], 'etcd-servers', ['a', 'b', 'c,d', 'e"f']],
  [['--etcd-servers='], 'etcd-servers', []],
  [['--oidc-signing-algs=ES256'], 'oidc-signing-algs', ['ES256']],
  [['--service-account-issuer=a,b', '--service-account-issuer=c'], 'service-account-issuer', ['a,b', 'c']],
  [['--tls-curve-preferences=1,2', '--tls-curve-preferences=3'], 'tls-curve-preferences', [1, 2, 3]],
  [['--oidc-required-claim= a = b '], 'oidc-required-claim', new Map([['a', 'b']])],
  [
    ['--allow-metric-labels="a=b",c=d', '--allow-metric-labels=a=z'],
    'allow-metric-labels',
    new Map([
      ['a', 'z'],
      ['c', 'd'],
    ]),
  ],
  [['--allow-metric-labels=a=b,c'], 'allow-metric-labels', new Map([['a', 'b,c']])],
  [
    ['--feature-gates=A=true,wardle:B=false', '--feature-gates=C=true'],
    'feature-gates',
    new Map([
      ['', ['A=true', 'C=true']],
      ['wardle', ['B=false']],
    ]),
  ],
  [['--service-node-port-range=10'], 'service-node-port-range', { first: 10, last: 10 }],
  [['--service-node-port-range=10+5'], 'service-node-port-range', { first: 10, last: 15 }],
  [['--log-json-info-buffer-size=1Ki'], 'log-json-info-buffer-size', '1Ki'],
  [
    ['--vmodule=a=1,,b*=2'],
    'vmodule',
    [
      { pattern: 'a', level: 1 },
      { pattern: 'b*', level: 2 },
    ],
  ],
  [['-v2'], 'v', 2],
  [['-v', '2'], 'v', 2],
  [['-v=2'], 'v', 2],
  [['-hv2'], 'v', 2],
  [['--version'], 'version', 'true'],
  [['--version=raw'], 'version', 'raw'],
];

test.each(accepted)('reads %j', (argv, flag, value) => {
  expect(parse(...argv).values[flag]).toEqual(value);
});

describe('arguments', () => {
  test.each([
    [
      ['a', '--profiling', 'b'],
      ['a', 'b'],
    ],
    [
      ['-', '--', '--nope', '-x'],
      ['-', '--nope', '-x'],
    ],
    [['--v', '--', 'x'], undefined],
  ])('%j', (argv, args) => {
    if (args === undefined) expect(() => parse(...argv)).toThrow('invalid argument "--"');
    else expect(parse(...argv).args).toEqual(args);
  });

  test('given names what the command line set, not what has a default', () => {
    expect([...parse('--secure_port=1', '-v=0').given]).toEqual(['secure-port', 'v']);
  });
});

test('names and certificate of an SNI pair', () => {
  const [pair] = parse('--tls-sni-cert-key=c.crt , c.key : x.example, y.example').values['tls-sni-cert-key'];
  expect(pair).toMatchObject({ certFile: 'c.crt', keyFile: 'c.key', names: ['x.example', 'y.example'] });
});

test.each([
  ['secure-port', '6443'],
  ['request-timeout', '1m0s'],
  ['event-ttl', '1h0m0s'],
  ['oidc-signing-algs', '[RS256]'],
  ['service-node-port-range', '30000-32767'],
  ['bind-address', '0.0.0.0'],
])('shows the default of %s as upstream does', (flag, text) => {
  const { values } = parse();
  expect(showFlag(kubeApiserverFlags, flag, values[flag as 'secure-port'])).toBe(`--${flag}=${text}`);
});

test('the values of flags as text, as kube-apiserver shows them at /flagz', () => {
  const { values } = parse('--cert-dir=up', '--api-audiences=a,b');
  expect(flagTexts(kubeApiserverFlags, values)).toMatchObject({
    'cert-dir': 'up',
    'api-audiences': '[a,b]',
    'disabled-metrics': '[]',
    'allow-privileged': 'false',
    'goaway-chance': '0',
    'livez-grace-period': '0s',
    'bind-address': '0.0.0.0',
    'audit-log-path': '',
    'log-json-info-buffer-size': '0',
    version: 'false',
  });
});
