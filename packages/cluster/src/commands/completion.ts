/**
 * `keelson completion`: what makes a shell ask `keelson __complete` what can be typed next, as commands of upstream's do
 * (spf13/cobra). Each answer is a line, `TEXT<tab>DESCRIPTION`; a line `:files` stands for the names of files.
 */
import { completionsOf } from '@keelson/component/pflag/complete';
import { FlagError, type FlagTable, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { COMPLETE, type Command, type Commands, outcomeOf } from './command.ts';
import type { Io } from './io.ts';

const FILES = ':files';

/** The words of the line are taken as they stand; nothing of them is evaluated. Bash breaks words at `=` and `:`, too. */
const bash = `# Completion of keelson for bash: source <(keelson completion bash)
_keelson() {
  local words current broken candidate
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]} - 1]}
  broken=
  [[ $current == *[=:]* ]] && broken=\${current%"\${current##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    if [[ $candidate == ${FILES} ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "\${current#"$broken"}")
    else
      COMPREPLY+=("\${candidate#"$broken"}")
    fi
  done < <("\${words[0]/#\\~/$HOME}" ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
}
complete -F _keelson keelson
`;

const zsh = `#compdef keelson
# Completion of keelson for zsh: source <(keelson completion zsh), behind compinit
_keelson() {
  local line files
  local -a candidates
  for line in "\${(@f)$(\${~words[1]} ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ${FILES} ]]; then
      files=1
    elif [[ -n $line ]]; then
      candidates+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}")
    fi
  done
  (( $#candidates )) && _describe keelson candidates
  if [[ -n $files ]]; then
    compset -P '--*='
    _files
  fi
}
if [[ $funcstack[1] == _keelson ]]; then _keelson "$@"; else compdef _keelson keelson; fi
`;

const fish = `# Completion of keelson for fish: keelson completion fish | source
function __keelson_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l program $words[1]
  set -e words[1]
  for line in ($program ${COMPLETE} $words "$current" 2>/dev/null)
    if test "$line" = ${FILES}
      set -l flag (string match -r -- '^--[^=]*=' $current)
      for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' $current))
        echo "$flag$path"
      end
    else
      echo $line
    end
  end
end
complete -c keelson -f -a '(__keelson_complete)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

const flags = { help: { type: 'bool', shorthand: 'h', section: 'Options' } } as const satisfies FlagTable;
const descriptions = { help: 'Show this help.' };

const head = `Shows what makes a shell complete the commands, phases and flags of keelson, to be read by it at its start.

Usage:
  keelson completion bash|zsh|fish

Examples:
  source <(keelson completion bash)                       # now; in ~/.bashrc: in every shell
  source <(keelson completion zsh)                        # behind compinit in ~/.zshrc
  keelson completion fish > ~/.config/fish/completions/keelson.fish
`;

export const command: Command = {
  flags,
  descriptions,
  words: Object.keys(scripts).map((name) => ({ name, summary: `For ${name}.` })),
  run: completion,
};

/** `keelson completion`. @returns the exit code */
function completion(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson completion', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    if (values.help || args.length === 0) return io.stdout(`${head}${usage(flags, descriptions, io.columns)}`);
    const script = args.length === 1 ? scripts[args[0]!] : undefined;
    if (script === undefined)
      throw new FlagError(`"keelson completion" knows ${Object.keys(scripts).join(', ')}, not "${args.join(' ')}"`);
    io.stdout(script);
  });
}

/** @param line the words behind `keelson`; the last one is what the cursor stands behind. @returns the exit code */
export async function complete(commands: Commands, line: readonly string[], io: Io): Promise<number> {
  const { candidates, files } = await completions(commands, line);
  for (const { text, description } of candidates) io.stdout(`${text}\t${description.replace(/\s+/g, ' ')}\n`);
  if (files) io.stdout(`${FILES}\n`);
  return 0;
}

async function completions(commands: Commands, line: readonly string[]) {
  const [name = '', ...rest] = line;
  if (rest.length > 0 && Object.hasOwn(commands, name)) return completionsOf(await commands[name]!.load(), rest);
  const words = Object.entries(commands).map(([word, { summary }]) => ({ name: word, summary }));
  return completionsOf({ flags: {}, descriptions: {}, words }, line.slice(0, 1));
}
