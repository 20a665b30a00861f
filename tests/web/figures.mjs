// Figures of the running demo, each beside an anchor of the same run; one line of JSON a figure.
import { readFileSync } from 'node:fs';
import { openBrowser, signIn, until } from './lib/browser.mjs';
import { startDemo } from './lib/demo.mjs';

const ITEMS = 20;
const PICTURES = 6;

const percentile = (values, part) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

function print(figure, value, unit, goal, anchor, anchorValue) {
  const ratio = anchorValue ? Number((value / anchorValue).toFixed(3)) : null;
  const met = goal === null ? null : value <= goal;
  console.log(
    JSON.stringify({ figure, value, unit, goal, met, anchor, anchor_value: anchorValue, ratio }),
  );
}

async function metric(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name}`) && !one.startsWith('#'));
  return Number(line.split(' ').at(-1));
}

// When each text first stood on the page, ms by the machine's clock.
function noteArrivals(page) {
  return page.evaluate(() => {
    window.__arrived = {};
    const look = () => {
      for (const row of document.querySelectorAll('tr')) {
        const mark = /测时\d+/.exec(row.innerText)?.[0];
        if (mark && !window.__arrived[mark]) window.__arrived[mark] = Date.now();
      }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

async function itemToScreen(demo) {
  const people = {};
  for (const [who, place, role] of [
    ['writer', 'east', 'officer'],
    ['same', 'east', 'officer'],
    ['other', 'west', 'officer'],
  ]) {
    people[who] = await openBrowser();
    await signIn(people[who].page, demo[place].url, demo.user(place, role));
    await noteArrivals(people[who].page);
  }
  const pressed = {};
  for (let n = 0; n < ITEMS; n += 1) {
    const mark = `测时${n}`;
    const entry = people.writer.page.getByRole('region', { name: '新记事' });
    await entry.getByLabel('内容').fill(`${mark} 来电`);
    pressed[mark] = await people.writer.page.evaluate(() => Date.now());
    await people.writer.page.keyboard.press('Control+Enter');
    for (const who of ['same', 'other']) {
      await until(`${mark} at ${who}`, () =>
        people[who].page.evaluate((text) => window.__arrived[text], mark),
      );
    }
  }
  const delays = async (who) => {
    const arrived = await people[who].page.evaluate(() => window.__arrived);
    return Object.keys(pressed).map((mark) => arrived[mark] - pressed[mark]);
  };
  const [same, other] = [await delays('same'), await delays('other')];
  for (const [name, part] of [['p50', 0.5], ['p95', 0.95]]) {
    print(
      `log item: keys pressed at East to row on West's screen, ${name}`,
      percentile(other, part),
      'ms',
      null,
      'the same row in a second browser at East, no link crossed',
      percentile(same, part),
    );
  }
  for (const person of Object.values(people)) await person.close();
}

async function firstPictures(page, camera) {
  const tile = page.locator(`figure[data-source="${camera.id}"]`);
  const button = page.locator(`button[data-camera="${camera.id}"]`);
  await button.click();
  await until('a first picture', () => tile.getAttribute('data-first-picture-ms'));
  const ms = Number(await tile.getAttribute('data-first-picture-ms'));
  await button.click();
  await until('the tile is gone', async () => (await tile.count()) === 0);
  return ms;
}

// Nobody watches a camera any more; its pull lingers a little for those who come straight back.
const idle = (demo, place) =>
  until('the camera rests', async () => {
    const cameras = await (await fetch(demo.state().cameras)).json();
    const paths = Object.values(cameras.paths ?? cameras);
    return paths.every((path) => path.sessions === 0);
  });

async function clickToPicture(demo) {
  const watcher = await openBrowser();
  await signIn(watcher.page, demo.hub.url, demo.user('hub', 'headquarters'));
  await watcher.page.goto(`${demo.hub.url}/cameras`);
  const holder = await openBrowser();
  await signIn(holder.page, demo.west.url, demo.user('west', 'officer'));
  await holder.page.goto(`${demo.west.url}/cameras`);
  const gate = demo.cameras.find((camera) => camera.name === '西门');
  const cold = [];
  const warm = [];
  const local = [];
  for (let n = 0; n < PICTURES; n += 1) {
    await idle(demo);
    cold.push(await firstPictures(watcher.page, gate));
  }
  const held = holder.page.locator(`button[data-camera="${gate.id}"]`);
  await held.click();
  for (let n = 0; n < PICTURES; n += 1) warm.push(await firstPictures(watcher.page, gate));
  await held.click();
  for (let n = 0; n < PICTURES; n += 1) {
    await idle(demo);
    local.push(await firstPictures(holder.page, gate));
  }
  const anchor = 'the same camera, cold, in a browser of its own campus';
  print('click to first picture across sites, cold, p50', percentile(cold, 0.5), 'ms', 900, anchor, percentile(local, 0.5));
  print('click to first picture across sites, warm, p50', percentile(warm, 0.5), 'ms', 300, anchor, percentile(local, 0.5));
  await watcher.close();
  await holder.close();
}

async function reconnect(demo) {
  const hubBundles = await metric(demo.hub.url, 'dutyroom_store_bytes');
  await demo.command('stop hub');
  await until('East notices', async () => (await metric(demo.east.url, 'dutyroom_sync_sites_up')) === 0);
  const before = await bytes(demo);
  await demo.command('start hub');
  await until('East is back', async () => (await metric(demo.east.url, 'dutyroom_sync_sites_up')) === 2);
  print(
    'reconnect with nothing missing, both ways on the sync stream',
    (await bytes(demo)) - before,
    'B',
    1024,
    'database of the hub, what a full copy would move',
    hubBundles,
  );
}

async function bytes(demo) {
  const [inward, outward] = await Promise.all([
    metric(demo.east.url, 'dutyroom_sync_bytes_in_total'),
    metric(demo.east.url, 'dutyroom_sync_bytes_out_total'),
  ]);
  return inward + outward;
}

function memory(demo, when) {
  const { pids } = demo.state();
  const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  for (const place of ['hub', 'east', 'west']) {
    print(`memory of ${place}, ${when}`, Math.round(resident(pids[place])), 'MB', 200, 'the camera simulator beside it', Math.round(resident(pids['camera-sim'])));
  }
}

const demo = await startDemo();
try {
  memory(demo, 'just started');
  await itemToScreen(demo);
  await clickToPicture(demo);
  memory(demo, 'after the figures above');
  await reconnect(demo);
} finally {
  await demo.end();
}
