// Starts `cargo xtask demo` as a newcomer would and speaks to it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export async function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), 'dutyroom-demo-'));
  const child = spawn('cargo', ['xtask', 'demo', '--json', '--data', folder], {
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
    // What the demo keeps about itself: process ids, and where the program is.
    state: () => JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')),
    // What `dutyroom verify` says of a site's live data directory.
    verify: (place) => {
      const { dutyroom, sites: kept } = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'));
      const { data } = kept.find(({ key }) => key === place);
      return JSON.parse(execFileSync(dutyroom, ['verify', '--json', '--data', data]));
    },
    user: (place, role) => sites[place].users.find((user) => user.role === role),
    // `stop hub` and `start hub`, as one types them into the running demo.
    async command(words) {
      child.stdin.write(`${words}\n`);
      return nextLine();
    },
    async end() {
      child.kill('SIGINT');
      const [code] = await exited;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}
