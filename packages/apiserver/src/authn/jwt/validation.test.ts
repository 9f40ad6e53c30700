import { describe, expect, it } from 'vitest';
import { readAuthenticationConfiguration } from './configuration.ts';
import { validateAuthentication } from './validation.ts';

const issuer = { url: 'https://issuer.example', audiences: ['us'] };
const claimMappings = { username: { claim: 'sub', prefix: '' } };
const problems = (jwt: unknown, more: object = {}) => {
  const head = { apiVersion: 'apiserver.config.k8s.io/v1beta1', kind: 'AuthenticationConfiguration' };
  const configuration = readAuthenticationConfiguration(JSON.stringify({ ...head, jwt, ...more }));
  return validateAuthentication(configuration, ['https://b.example', 'https://a.example']).map(String);
};
const withIssuer = (more: object) => [{ issuer: { ...issuer, ...more }, claimMappings }];
const withMappings = (more: object) => [{ issuer, claimMappings: { ...claimMappings, ...more } }];
const withRules = (...claimValidationRules: object[]) => [{ issuer, claimMappings, claimValidationRules }];
const withUserRules = (...userValidationRules: object[]) => [{ issuer, claimMappings, userValidationRules }];
const undeclared = (name: string, text: string) =>
  `compilation failed: ERROR: <input>:1:1: undeclared reference to '${name}' (in container '')\n | ${text}\n | ^`;

describe('a configuration', () => {
  it('may be empty, or good', () => {
    expect(problems([])).toEqual([]);
    expect(problems(withIssuer({}))).toEqual([]);
    expect(
      problems([
        {
          issuer: {
            ...issuer,
            discoveryURL: 'https://elsewhere/x',
            audiences: ['a', 'b'],
            audienceMatchPolicy: 'MatchAny',
          },
          claimMappings: {
            username: { expression: "claims.?email_verified.orValue(true) ? claims.email : ''" },
            groups: { expression: 'claims.groups' },
            uid: { claim: 'id' },
            extra: [{ key: 'example.org/x', valueExpression: 'claims.x' }],
          },
          claimValidationRules: [{ claim: 'hd', requiredValue: 'x' }, { expression: 'claims.a == 1' }],
          userValidationRules: [{ expression: "!user.username.startsWith('system:')" }],
        },
      ]),
    ).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    ['no URL', withIssuer({ url: '' }), ['jwt[0].issuer.url: Required value']],
    [
      'http',
      withIssuer({ url: 'http://x' }),
      ['jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https'],
    ],
    [
      'much in a URL',
      withIssuer({ url: 'https://u:p@x?q#f' }),
      [
        'jwt[0].issuer.url: Invalid value: "https://u:p@x?q#f": URL must not contain a username or password',
        'jwt[0].issuer.url: Invalid value: "https://u:p@x?q#f": URL must not contain a query',
        'jwt[0].issuer.url: Invalid value: "https://u:p@x?q#f": URL must not contain a fragment',
      ],
    ],
    [
      'no URL at all',
      withIssuer({ url: 'https://[' }),
      [`jwt[0].issuer.url: Invalid value: "https://[": parse "https://[": missing ']' in host`],
    ],
    [
      'the issuer of service accounts',
      withIssuer({ url: 'https://a.example' }),
      [
        'jwt[0].issuer.url: Invalid value: "https://a.example": URL must not overlap with disallowed issuers: [https://a.example https://b.example]',
      ],
    ],
    [
      'the same discovery',
      withIssuer({ discoveryURL: 'https://issuer.example/' }),
      ['jwt[0].issuer.discoveryURL: Invalid value: "https://issuer.example/": discoveryURL must be different from URL'],
    ],
    [
      'no audience',
      withIssuer({ audiences: [] }),
      ['jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required'],
    ],
    [
      'audiences',
      withIssuer({ audiences: ['a', '', 'a'] }),
      [
        'jwt[0].issuer.audiences[1]: Required value',
        'jwt[0].issuer.audiences[2]: Duplicate value: "a"',
        'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
      ],
    ],
    [
      'another policy',
      withIssuer({ audienceMatchPolicy: 'All' }),
      [
        'jwt[0].issuer.audienceMatchPolicy: Invalid value: "All": audienceMatchPolicy must be empty or MatchAny for single audience',
      ],
    ],
    [
      'an authority that is none',
      withIssuer({ certificateAuthority: 'x' }),
      [
        'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
      ],
    ],
    [
      'another way out',
      withIssuer({ egressSelectorType: 'etcd' }),
      [
        'jwt[0].issuer.egressSelectorType: Invalid value: "etcd": egress selector must be either controlplane or cluster',
      ],
    ],
    [
      'an issuer twice',
      [...withIssuer({}), ...withIssuer({})],
      ['jwt[1].issuer.url: Duplicate value: "https://issuer.example"'],
    ],
    [
      'no username',
      [{ issuer, claimMappings: {} }],
      ['jwt[0].claimMappings.username: Required value: claim or expression is required'],
    ],
    [
      'no prefix',
      [{ issuer, claimMappings: { username: { claim: 'sub' } } }],
      [
        'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
      ],
    ],
    [
      'both',
      withMappings({ groups: { claim: 'a', expression: 'claims.a' }, uid: { claim: 'a', expression: 'claims.a' } }),
      [
        `jwt[0].claimMappings.groups: Invalid value: "": claim and expression can't both be set`,
        `jwt[0].claimMappings.uid: Invalid value: "": claim and expression can't both be set`,
      ],
    ],
    [
      'a prefix for an expression',
      withMappings({ groups: { prefix: 'x', expression: 'claims.a' } }),
      ['jwt[0].claimMappings.groups.prefix: Invalid value: "x": may not be specified when expression is set'],
    ],
    [
      'an expression that does not compile',
      withMappings({ uid: { expression: 'foo' } }),
      [`jwt[0].claimMappings.uid.expression: Invalid value: "foo": ${undeclared('foo', 'foo')}`],
    ],
    [
      'keys of extra fields',
      withMappings({
        extra: [
          { key: 'a', valueExpression: 'claims.a' },
          { key: 'example.org/A', valueExpression: 'claims.a' },
          { key: 'x.k8s.io/a', valueExpression: 'claims.a' },
          { key: 'example.org/b', valueExpression: '' },
          { key: 'example.org/b', valueExpression: '' },
        ],
      }),
      [
        'jwt[0].claimMappings.extra[0].key: Invalid value: "a": must be a domain-prefixed path (such as "acme.io/foo")',
        'jwt[0].claimMappings.extra[1].key: Invalid value: "example.org/A": must be lowercase',
        'jwt[0].claimMappings.extra[2].key: Invalid value: "x.k8s.io/a": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
        'jwt[0].claimMappings.extra[3].valueExpression: Required value',
        'jwt[0].claimMappings.extra[4].key: Duplicate value: "example.org/b"',
      ],
    ],
    [
      'an address that may not be verified',
      [{ issuer, claimMappings: { username: { expression: 'claims.email' } } }],
      [
        'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
      ],
    ],
    [
      'rules for claims',
      withRules(
        {},
        { claim: 'a', expression: 'b' },
        { claim: 'a', message: 'm' },
        { claim: 'a' },
        { expression: 'claims.a', requiredValue: 'x' },
      ),
      [
        'jwt[0].claimValidationRules[0]: Required value: claim or expression is required',
        `jwt[0].claimValidationRules[1]: Invalid value: "a": claim and expression can't both be set`,
        'jwt[0].claimValidationRules[2].message: Invalid value: "m": may not be specified when claim is set',
        'jwt[0].claimValidationRules[3].claim: Duplicate value: "a"',
        'jwt[0].claimValidationRules[4].requiredValue: Invalid value: "x": may not be specified when expression is set',
        'jwt[0].claimValidationRules[4].expression: Invalid value: "claims.a": must evaluate to bool',
      ],
    ],
    [
      'rules for users',
      withUserRules(
        {},
        { expression: 'user.name' },
        { expression: "user.uid != ''" },
        { expression: "user.uid != ''" },
      ),
      [
        'jwt[0].userValidationRules[0].expression: Required value',
        `jwt[0].userValidationRules[1].expression: Invalid value: "user.name": compilation failed: ERROR: <input>:1:5: undefined field 'name'\n | user.name\n | ....^`,
        `jwt[0].userValidationRules[3].expression: Duplicate value: "user.uid != ''"`,
      ],
    ],
  ])('with %s is refused', (_, jwt, expected) => expect(problems(jwt)).toEqual(expected));

  it('has 64 issuers at most', () => {
    expect(problems(Array.from({ length: 65 }, () => ({})))).toEqual(['jwt: Too many: 65: must have at most 64 items']);
  });
});
