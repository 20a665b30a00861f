// Starts `cargo xtask demo` as a newcomer would and speaks to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export async function startDemo() {
  const child = spawn('cargo', ['xtask', 'demo', '--json'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the demo ended with ${(await exited)[0]}`);
    return JSON.parse(value);
  };
  const ready = await nextLine();
  const site = (code) => ready.sites.find((one) => one.name.startsWith(code));
  const sites = { hub: site('总'), east: site('东'), west: site('西') };
  return {
    ...sites,
    cameras: ready.cameras,
    camera: (name) => ready.cameras.find((one) => one.name === name),
    user: (place, role) => sites[place].users.find((user) => user.role === role),
    // `stop hub` and `start hub`, as one types them into the running demo.
    async command(words) {
      child.stdin.write(`${words}\n`);
      return nextLine();
    },
    async end() {
      child.kill('SIGINT');
      const [code] = await exited;
      return code;
    },
  };
}
