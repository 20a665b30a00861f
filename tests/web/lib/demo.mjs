// Starts `cargo xtask demo` as a newcomer would and speaks to it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  // What the demo keeps about itself: process ids, and where the program is.
  const state = () => JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'));
  const kept = (place) => state().sites.find(({ key }) => key === place);
  const program = (words) => JSON.parse(execFileSync(state().dutyroom, [...words, '--json']));
  // `stop hub` and `start hub`, as one types them into the running demo.
  const command = async (words) => {
    child.stdin.write(`${words}\n`);
    return nextLine();
  };
  const servers = new Map();
  const end = async (place) => {
    const server = servers.get(place);
    servers.delete(place);
    server.kill('SIGTERM');
    await once(server, 'exit');
  };
  // The site's own program again, outside the demo, with another configuration.
  const rerun = async (place, change) => {
    await command(`stop ${place}`);
    const { config } = kept(place);
    writeFileSync(`${config}.changed`, change(readFileSync(config, 'utf8')));
    const words = ['serve', '--ready-json', '--config', `${config}.changed`];
    const server = spawn(state().dutyroom, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    servers.set(place, server);
    await once(createInterface({ input: server.stdout }), 'line');
  };
  return {
    ...sites,
    cameras: ready.cameras,
    camera: (name) => ready.cameras.find((one) => one.name === name),
    state,
    // What `dutyroom verify` says of a site's live data directory.
    verify: (place) => program(['verify', '--data', kept(place).data]),
    user: (place, role) => sites[place].users.find((user) => user.role === role),
    command,
    // One of the program's own commands on a site's data.
    run: (place, words) => execFileSync(state().dutyroom, [...words, '--data', kept(place).data], { encoding: 'utf8' }),
    // A further account at a site, whose program stops for it and starts again.
    async addUser(place, role) {
      await command(`stop ${place}`);
      const who = ['--login', role, '--name', '王管理', '--role', role];
      const { login, password } = program(['user', 'add', '--data', kept(place).data, ...who]);
      await command(`start ${place}`);
      return { login, password, role };
    },
    // A site with nobody to dial: it serves its people and reaches no site.
    cutOff: (place) => rerun(place, (config) => config.replace(/^dial = .*$/m, 'dial = []')),
    // A campus that others may dial while the hub is gone.
    letDial: (place) =>
      rerun(place, (config) => config.replace(/^\[link\]\nlisten = (.*)$/m, '$&\nadvertise = $1')),
    async reconnect(place) {
      await end(place);
      await command(`start ${place}`);
    },
    async end() {
      for (const place of [...servers.keys()]) await end(place);
      child.kill('SIGINT');
      const [code] = await exited;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}
