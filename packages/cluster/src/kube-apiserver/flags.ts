import { kubeApiserverFlags } from '@keelson/component/generated/kube-apiserver-flags';
import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import { loggingDescriptions } from '../commands/logging.ts';
import { PROFILING_DESCRIPTION } from '../component-flags.ts';
import { metricDescriptions } from '../metric-flags.ts';

/** The flags of `kube-apiserver`: upstream's, and Keelson's own. */
export const flags = {
  ...kubeApiserverFlags,
  // Upstream's help does not show it.
  'apiserver-count': { type: 'int', section: 'Misc', default: '1', deprecated: true },
  'audit-webhook-batch-initial-backoff': { type: 'duration', section: 'Auditing', deprecated: true },
  'data-dir': { type: 'string', section: 'Keelson' },
  storage: { type: 'string', section: 'Keelson' },
  // Upstream's is protobuf.
  'storage-media-type': { ...kubeApiserverFlags['storage-media-type'], default: 'application/json' },
} as const satisfies FlagTable;

export type Values = FlagValues<typeof flags>;

/** What the command line gave, beside the values of all flags. */
export type Given = ReadonlySet<keyof typeof flags>;

/** What the help says of the flags that have an effect; the others are read and change nothing. */
export const descriptions: Readonly<Partial<Record<keyof typeof flags, string>>> = {
  ...loggingDescriptions,
  ...metricDescriptions,
  'admission-control':
    'The admission plug-ins that are on, and no others; use --enable-admission-plugins and --disable-admission-plugins instead.',
  'admission-control-config-file': 'Configurations of admission plug-ins: an AdmissionConfiguration.',
  'advertise-address':
    'Address under which the cluster reaches this server. Default: --bind-address, or else the address of the first network interface.',
  'aggregator-reject-forwarding-redirect':
    'Answer 502 where an extension API server answers with a redirection, which would lead clients elsewhere.',
  'allow-privileged': 'Whether privileged containers are allowed.',
  'anonymous-auth': 'Take requests without credentials as user system:anonymous.',
  'apiserver-count': 'How many API servers there are, for --endpoint-reconciler-type=master-count.',
  'api-audiences': 'Audiences that service account tokens must name. Default: the issuers.',
  'audit-log-batch-buffer-size': 'Audit events that wait to be written; more are dropped. For --audit-log-mode=batch.',
  'audit-log-batch-max-size': 'Audit events that are written at once. For --audit-log-mode=batch.',
  'audit-log-batch-max-wait': 'How long audit events may wait. For --audit-log-mode=batch.',
  'audit-log-batch-throttle-burst': 'Batches that may be written at once after a pause.',
  'audit-log-batch-throttle-enable': 'Limit how many batches are written per second.',
  'audit-log-batch-throttle-qps': 'Batches per second.',
  'audit-log-compress': 'Compress old audit logs with gzip.',
  'audit-log-format': 'json, or legacy: a line of text for each event.',
  'audit-log-maxage': 'Days that old audit logs are kept; 0: for ever.',
  'audit-log-maxbackup': 'How many old audit logs are kept; 0: all.',
  'audit-log-maxsize': 'Megabytes after which the audit log goes on in a new file; 0: never.',
  'audit-log-mode':
    'blocking: requests wait until their events are written; blocking-strict: and are refused when that fails; batch: they do not wait.',
  'audit-log-path': 'File that audit events are written to; - is standard output. Needs --audit-policy-file.',
  'audit-log-truncate-enabled': 'Leave requests and answers out of audit events that are too large.',
  'audit-log-truncate-max-batch-size': 'Bytes of audit events that are written at once.',
  'audit-log-truncate-max-event-size': 'Bytes of an audit event that are not too large.',
  'audit-log-version': 'Version of the audit events that are written: audit.k8s.io/v1.',
  'audit-policy-file': 'What is recorded of which requests: a Policy of audit.k8s.io/v1.',
  'audit-webhook-batch-buffer-size':
    'Audit events that wait to be sent; more are dropped. For --audit-webhook-mode=batch.',
  'audit-webhook-batch-initial-backoff': 'The same as --audit-webhook-initial-backoff.',
  'audit-webhook-batch-max-size': 'Audit events that are sent at once. For --audit-webhook-mode=batch.',
  'audit-webhook-batch-max-wait': 'How long audit events may wait. For --audit-webhook-mode=batch.',
  'audit-webhook-batch-throttle-burst': 'Batches that may be sent at once after a pause.',
  'audit-webhook-batch-throttle-enable': 'Limit how many batches are sent per second.',
  'audit-webhook-batch-throttle-qps': 'Batches per second.',
  'audit-webhook-config-file':
    'Kubeconfig of a webhook that audit events are sent to, as EventList. Needs --audit-policy-file.',
  'audit-webhook-initial-backoff': 'How long to wait after the first attempt to send audit events has failed.',
  'audit-webhook-mode':
    'batch: no request waits for the webhook; blocking: requests wait; blocking-strict: and are refused when it fails.',
  'audit-webhook-truncate-enabled': 'Leave requests and answers out of audit events that are too large.',
  'audit-webhook-truncate-max-batch-size': 'Bytes of audit events that are sent at once.',
  'audit-webhook-truncate-max-event-size': 'Bytes of an audit event that are not too large.',
  'audit-webhook-version': 'Version of the audit events that are sent: audit.k8s.io/v1.',
  'authentication-config':
    'Issuers of JSON Web Tokens, and where requests may be anonymous: an AuthenticationConfiguration, read again when it changes. Instead of --oidc-*.',
  'authentication-token-webhook-cache-ttl': 'How long is remembered what the webhook has said of a token.',
  'authentication-token-webhook-config-file': 'Kubeconfig of a webhook that tokens are shown to, as TokenReview.',
  'authentication-token-webhook-version': 'Version of the TokenReviews that the webhook is sent: v1 or v1beta1.',
  'authorization-config':
    'Authorizers in order, and the webhooks among them: an AuthorizationConfiguration, read again when it changes. Instead of --authorization-mode and --authorization-webhook-*.',
  'authorization-mode':
    'Authorizers in order: AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook, ABAC. Default: AlwaysAllow.',
  'authorization-policy-file': 'Policies, one a line, for --authorization-mode=ABAC.',
  'authorization-webhook-cache-authorized-ttl': 'How long is remembered that the webhook has allowed something.',
  'authorization-webhook-cache-unauthorized-ttl': 'How long is remembered that it has not.',
  'authorization-webhook-config-file': 'Kubeconfig of the webhook, for --authorization-mode=Webhook.',
  'authorization-webhook-version': 'Version of the SubjectAccessReviews that the webhook is sent: v1 or v1beta1.',
  'bind-address': 'Address that the HTTPS port listens on.',
  'cert-dir': 'Where apiserver.crt and apiserver.key are, or are made, when --tls-cert-file is not given.',
  'client-ca-file':
    'Authorities whose client certificates identify users: common name as user, organizations as groups.',
  'cors-allowed-origins':
    'Regular expressions of origins whose web pages may ask; they must hold the start and the end of the host.',
  'data-dir': 'Directory of the embedded store, used when --etcd-servers is not given.',
  'default-not-ready-toleration-seconds':
    'How long pods stay on a node that is not ready, unless they say so themselves.',
  'default-unreachable-toleration-seconds':
    'How long pods stay on a node that cannot be reached, unless they say so themselves.',
  'delete-collection-workers': 'How many objects of a collection are deleted at a time; never fewer than 16.',
  'disable-admission-plugins': 'Admission plug-ins to switch off though they are on by default.',
  'disable-http2-serving': 'Serve HTTP/1.1 alone.',
  'egress-selector-config-file':
    "Through which proxies the server's own connections go, to nodes, webhooks and etcd: an EgressSelectorConfiguration.",
  'enable-admission-plugins': 'Admission plug-ins to switch on besides those that are on by default.',
  'enable-aggregator-routing':
    'Reach webhooks and extension API servers at the addresses of their endpoints, where nothing carries packets to service addresses.',
  'enable-bootstrap-token-auth': 'Accept the bootstrap tokens kept as Secrets in kube-system.',
  'enable-priority-and-fairness':
    'Let requests that are too many wait in fair queues; otherwise there are two plain bounds, for reads and writes.',
  'encryption-provider-config': 'How objects are encrypted in the store: an EncryptionConfiguration.',
  'encryption-provider-config-automatic-reload': 'Read --encryption-provider-config again whenever it changes.',
  'endpoint-reconciler-type':
    'How API servers know of each other: lease (a key each, which ends with its server), master-count (so many as --apiserver-count says), none.',
  'etcd-cafile': "Authority of etcd's certificates.",
  'etcd-certfile': 'Client certificate for etcd.',
  'etcd-compaction-interval': 'How often history older than that is dropped; 0: never.',
  'etcd-healthcheck-timeout': 'How long etcd may take to answer a health check.',
  'etcd-keyfile': 'Key of the client certificate for etcd.',
  'etcd-prefix': 'Where all keys begin.',
  'etcd-readycheck-timeout': 'How long etcd may take to answer a check of readiness.',
  'etcd-servers': 'URLs of etcd, comma separated.',
  'etcd-servers-overrides':
    'Resources with an etcd of their own: /events#http://a:2379;http://b:2379 (group/resource#URLs).',
  'event-ttl': 'How long events are kept.',
  'external-hostname':
    'Host, with a port or without, that discovery and the documents of OpenID name. Default: --advertise-address.',
  'feature-gates':
    'Features to switch on or off: ClusterTrustBundle=true. docs/feature-gates.md has those with an effect; others are checked, and told of.',
  'goaway-chance':
    'How probable it is that a request over HTTP/2 is the last of its connection, so that clients spread over all servers: 0 to 0.02.',
  help: 'Show this help.',
  'http2-max-streams-per-connection': 'Requests that run at a time on a connection. Default: 250.',
  'kubelet-certificate-authority': "Authority of kubelets' serving certificates.",
  'kubelet-client-certificate': 'Client certificate for kubelets.',
  'kubelet-client-key': 'Key of the client certificate for kubelets.',
  'kubelet-preferred-address-types': "Which of a node's addresses to try, in order.",
  'kubernetes-service-node-port':
    'Port of every node at which the service default/kubernetes is, of type NodePort then; for a service that is not there yet.',
  'livez-grace-period': 'How long after the start /livez does not mind that parts are still starting.',
  'logging-format': "text (klog's lines) or json.",
  'max-mutating-requests-inflight':
    'Writes served at the same time. With priority and fairness, its sum with --max-requests-inflight is what levels share.',
  'max-requests-inflight': 'Reads served at the same time. See --max-mutating-requests-inflight.',
  'min-request-timeout': 'Seconds after which a watch may be ended.',
  'max-connection-bytes-per-sec':
    'How fast a stream of exec, attach, port-forward or a proxy may be, in bytes per second and direction; 0: without limit.',
  'oidc-ca-file': "Authority of the issuer's certificate. Default: the system's.",
  'oidc-client-id': 'The audience that tokens of the issuer must be meant for.',
  'oidc-groups-claim': "The claim with the user's groups.",
  'oidc-groups-prefix': 'Stands before the groups.',
  'oidc-issuer-url': 'An issuer whose JSON Web Tokens are accepted (OpenID Connect).',
  'oidc-required-claim': 'CLAIM=VALUE that a token must have; may be given more than once.',
  'oidc-signing-algs': 'With which algorithms tokens may be signed.',
  'oidc-username-claim': "The claim with the user's name.",
  'oidc-username-prefix':
    "Stands before the name. Default: the issuer's URL and #, unless the claim is email; -: nothing.",
  'peer-advertise-ip':
    'Address under which other API servers reach this one, together with --peer-advertise-port. Default: --advertise-address.',
  'peer-advertise-port': 'The port there. Default: --secure-port.',
  'peer-ca-file':
    'Authority of the serving certificates of other API servers: requests for what they serve and this one does not go to them, and /apis lists what any of them serves. Needs --proxy-client-cert-file.',
  'permit-port-sharing': 'Let other processes listen at the port, too (SO_REUSEPORT): connections are spread over all.',
  profiling: PROFILING_DESCRIPTION,
  'proxy-client-cert-file': 'Client certificate with which extension API servers are asked.',
  'proxy-client-key-file': 'Key of the client certificate for extension API servers.',
  'request-timeout': 'How long a request may take, watches apart.',
  'requestheader-allowed-names':
    'Common names that an authenticating proxy may have; empty: any that the authority signed.',
  'requestheader-client-ca-file': 'Authority of the client certificates of authenticating proxies.',
  'requestheader-extra-headers-prefix': "Prefixes of headers with a user's extra fields.",
  'requestheader-group-headers': "Headers with a user's groups.",
  'requestheader-uid-headers': "Headers with a user's UID.",
  'requestheader-username-headers': 'Headers with the name of a user.',
  'runtime-config':
    'API groups, versions and resources to switch on or off: api/alpha=true, apps/v1/deployments=false.',
  'secure-port': 'The HTTPS port.',
  'send-retry-after-while-not-ready-once': 'Answer 503 and Retry-After until the server was ready once.',
  'service-account-extend-token-expiration': 'Let tokens made for pods live for a year, as long as clients are old.',
  'service-account-issuer': 'Issuer of service account tokens; those given after the first are accepted too.',
  'service-account-jwks-uri': 'Where the discovery document says that the public keys are.',
  'service-account-key-file': 'Public or private keys that service account tokens are checked with.',
  'service-account-lookup':
    'Whether tokens in secrets are only good as long as their secret and their account are there.',
  'service-account-max-token-expiration': 'The longest life of a service account token.',
  'service-account-signing-endpoint':
    'Socket of a program that signs service account tokens and tells the keys to verify them with: a path, or @ and the name of an abstract one. Instead of --service-account-signing-key-file and --service-account-key-file.',
  'service-account-signing-key-file': 'Private key that signs service account tokens.',
  'service-cluster-ip-range':
    'Addresses of services, as CIDR; two of different families for dual stack. Default: 10.0.0.0/24.',
  'service-node-port-range': 'Ports of services of type NodePort.',
  'shutdown-delay-duration': 'How long to go on serving, no longer ready, after being asked to end.',
  'shutdown-send-retry-after':
    'While running requests end, answer new ones with 429 and Retry-After, instead of not listening any more.',
  'shutdown-watch-termination-grace-period':
    'How long watches may take to end, before connections are closed; 0: they are not waited for.',
  'storage-initialization-timeout': 'How long to wait for the store at the start.',
  storage:
    'Where objects are kept: lmdb (embedded), memory (gone at the end) or etcd. Default: etcd with --etcd-servers, else lmdb.',
  'storage-media-type':
    'How built-in objects are stored: application/json, or application/vnd.kubernetes.protobuf as by upstream. Both are read.',
  'strict-transport-security-directives':
    'What Strict-Transport-Security says to browsers: max-age=31536000,includeSubDomains,preload.',
  'tls-cert-file': 'Serving certificate, with the chain behind it.',
  'tls-private-key-file': 'Key of the serving certificate.',
  'tls-cipher-suites': "Names of the cipher suites allowed, as Go's TLS calls them.",
  'tls-curve-preferences':
    'By which curves keys are agreed on, as numbers of TLS: 29 (X25519), 23, 24, 25 (P-256, P-384, P-521), 4588, 4587, 4589 (the same and ML-KEM).',
  'tls-min-version': 'VersionTLS12 (the default; older ones are no longer safe) or VersionTLS13.',
  'tls-sni-cert-key': 'More serving certificates: certificate,key[:name,...].',
  'token-auth-file': 'CSV file of bearer tokens: token,user,uid[,"group,group"].',
  'tracing-config-file':
    'Where traces of requests, webhooks and calls to etcd are sent, and of how many requests: a TracingConfiguration.',
  v: 'How much is logged: 0 to 10.',
  version: 'Show the version; raw: in detail.',
  'emulated-version':
    "The release as which the server acts, from 1.33 on: its kinds, its gates' defaults, and what /version says. What no gate decides is as in this release.",
  'emulation-forward-compatible':
    'With --emulated-version: of what is served in a beta or better, later versions are, too.',
  'min-compatibility-version': 'The oldest release of the servers beside it, for /version.',
  'runtime-config-emulation-forward-compatible':
    'With --emulated-version: what --runtime-config names is served, though it came later.',
  'watch-cache':
    'Whether clients are answered as by a watch cache; without it lists at revision 0 have pages, and errors the words of the store. What is read comes from memory either way.',
  'watch-cache-sizes': 'The same for single resources: resource[.group]#0 for none, any other number for one.',
};

/** Why flags of upstream's have no effect here, where they will not get one. */
export const reasons: Readonly<Partial<Record<keyof typeof flags, string>>> = {
  'contention-profiling': "Of Go's locks, of which there are none.",
  'coordinated-leadership-lease-duration': 'For the gate CoordinatedLeaderElection, which is off by default.',
  'coordinated-leadership-renew-deadline': 'For the gate CoordinatedLeaderElection, which is off by default.',
  'coordinated-leadership-retry-period': 'For the gate CoordinatedLeaderElection, which is off by default.',
  'debug-socket-path': "Of Go's profiler.",
  'enable-garbage-collector': "The garbage collector is the controller manager's; what it needs is always kept.",
  'enable-logs-handler': "The machine's files are not served; upstream has deprecated it.",
  'etcd-count-metric-poll-period': 'Objects are counted when somebody asks for metrics, from the cache.',
  'etcd-db-metric-poll-interval': 'The size of the store is read when somebody asks for metrics.',
  'kubelet-timeout': 'Upstream, too, gives it to nobody.',
  'lease-reuse-duration-seconds': 'Leases of etcd are shared by what ends at about the same time.',
  'permit-address-sharing': 'The port may always be taken again while old connections end (SO_REUSEADDR).',
  'show-hidden-metrics-for-version': 'No metric is hidden.',
  'storage-backend': 'etcd3 is the only one there is, and what is checked.',
};

/** Whether a flag does anything yet. */
export const hasEffect = (name: keyof typeof flags) => descriptions[name] !== undefined;
