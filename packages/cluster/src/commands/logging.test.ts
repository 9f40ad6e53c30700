import { kubeletFlags } from '@keelson/component/generated/kubelet-flags';
import { parseFlags } from '@keelson/component/pflag/flags';
import { expect, test } from 'vitest';
import { flags } from '../kube-apiserver/flags.ts';
import { behindFlags, loggingErrors, openLog } from './logging.ts';

const disabled = (option: string) => `options.${option}: Forbidden: Feature LoggingAlphaOptions is disabled`;

test.each([
  ['', []],
  ['--vmodule=a=2 --logging-format=json', ['vmodule: Forbidden: Only supported for text log format']],
  ['--log-flush-frequency=0', ['flushFrequency: Invalid value: "0s": Must be greater than zero']],
  ['--log-flush-frequency=-1s', ['flushFrequency: Invalid value: "-1s": Must be greater than zero']],
  ['--logging-format=foo', ['format: Invalid value: "foo": Unsupported log format']],
  [
    '--feature-gates=LoggingBetaOptions=false --logging-format=json',
    ['format: Forbidden: Log format json is disabled, see LoggingBetaOptions feature'],
  ],
  [
    '--log-json-split-stream --log-json-info-buffer-size=1Ki --log-text-split-stream',
    [disabled('text.splitStream'), disabled('json.splitStream'), disabled('json.infoBufferSize')],
  ],
  ['--log-text-info-buffer-size=-1', [disabled('text.infoBufferSize')]],
  ['--log-text-split-stream --feature-gates=LoggingAlphaOptions=true', []],
  ['--log-text-split-stream --feature-gates=nonsense=true', []],
])('%s', (line, errors) => {
  const { values } = parseFlags(flags, line === '' ? [] : line.split(' '));
  expect(loggingErrors(values)).toEqual(errors);
});

test('the gates of the kubelet are read as it has them', () => {
  const line = ['--log-text-split-stream', '--feature-gates=LoggingAlphaOptions=true'];
  expect(loggingErrors(parseFlags(kubeletFlags, line).values)).toEqual([]);
  expect(loggingErrors(parseFlags(kubeletFlags, line.slice(0, 1)).values)).toEqual([disabled('text.splitStream')]);
});

test('what is gathered is written at the end', () => {
  const written = { out: '', err: '' };
  const io = {
    stdout: (text: string) => {
      written.out += text;
    },
    stderr: (text: string) => {
      written.err += text;
    },
    columns: 0,
    env: {},
    onStop: () => {},
  };
  const line = '--v=2 --log-text-split-stream --log-text-info-buffer-size=1Ki';
  const { logger, close } = openLog('kube-apiserver', parseFlags(flags, line.split(' ')).values, io);
  logger.info({}, 'Serving');
  logger.error({}, 'command failed');
  expect(written.out).toBe('');
  expect(written.err).toContain('"command failed"\n');
  close();
  expect(written.out).toContain('"Serving"\n');
});

test('a configuration file says what flags do not say', () => {
  const file = {
    logging: {
      format: 'json',
      flushFrequency: '3s',
      verbosity: 4,
      vmodule: [{ filePattern: 'server*', verbosity: 5 }],
      options: { text: { splitStream: true, infoBufferSize: '1Ki' }, json: { infoBufferSize: 0 } },
    },
    featureGates: { LoggingAlphaOptions: true },
  };
  const merged = (line: readonly string[]) => {
    const { values, given } = parseFlags(kubeletFlags, line);
    return behindFlags(values, given, file);
  };
  expect(merged([])).toMatchObject({
    v: 4,
    'logging-format': 'json',
    'log-flush-frequency': 3000,
    vmodule: [{ pattern: 'server*', level: 5 }],
    'log-text-split-stream': true,
    'log-text-info-buffer-size': '1Ki',
    'log-json-info-buffer-size': '0',
  });
  const flags = ['--v=1', '--logging-format=text', '--feature-gates=LoggingAlphaOptions=false'];
  expect(merged(flags)).toMatchObject({ v: 1, 'logging-format': 'text' });
  expect(loggingErrors(merged(flags))).toEqual([disabled('text.splitStream'), disabled('text.infoBufferSize')]);
  expect(loggingErrors(merged([]))).toEqual(['vmodule: Forbidden: Only supported for text log format']);
});

test('what kubeadm writes, and patterns of files that are none', () => {
  const { values, given } = parseFlags(kubeletFlags, []);
  const zeros = { flushFrequency: 0, verbosity: 0, options: { json: { infoBufferSize: '0' } } };
  expect(behindFlags(values, given, { logging: zeros })).toMatchObject({ v: 0, 'log-flush-frequency': 5000 });
  const vmodule = ['', 'a=b'].map((filePattern) => ({ filePattern, verbosity: 1 }));
  expect(loggingErrors(behindFlags(values, given, { logging: { vmodule } }))).toEqual([
    'vmodule[0]: Required value: File pattern must not be empty',
    'vmodule[1]: Invalid value: "a=b": File pattern must not contain equal sign or comma',
  ]);
});
