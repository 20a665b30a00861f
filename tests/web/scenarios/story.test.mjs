// The two-campus story, as people live it, on the running demo.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, signIn, until } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';
import { audioReceived, ciphers, clockOf, framesOf, keepPeers, tilesOf } from '../lib/media.mjs';

const pictures = new URL('../../../deploy/pictures/', import.meta.url).pathname;
const keepPictures = process.env.KEEP_PICTURES === '1';

let demo;
const browsers = {};

async function at(who, place, role) {
  const browser = await openBrowser();
  await keepPeers(browser.page);
  const url = demo[place].url;
  await signIn(browser.page, url, demo.user(place, role));
  browsers[who] = browser;
  return browser.page;
}

async function picture(page, name) {
  if (keepPictures) await page.screenshot({ path: `${pictures}${name}.png` });
}

const row = (page, text) => page.getByRole('row').filter({ hasText: text });

async function record(page, content) {
  await page.keyboard.press('F4');
  const entry = page.getByRole('region', { name: '新记事' });
  await entry.getByLabel('内容').fill(content);
  await entry.getByRole('button', { name: '火情', exact: true }).click();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('status').filter({ hasText: '已保存' }).waitFor();
}

before(async () => {
  demo = await startDemo();
});

after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  assert.equal(await demo?.end(), 0, 'Ctrl-C ends the demo well');
});

test('a log item stands on every site and in a second browser without a reload', async () => {
  const east = await at('east', 'east', 'officer');
  const second = await at('second', 'east', 'officer');
  const west = await at('west', 'west', 'officer');
  const hub = await at('hub', 'hub', 'headquarters');
  const content = '5 号楼 302 室冒烟，保卫处已到场';
  await record(east, content);
  for (const page of [east, second, west, hub]) {
    const seen = row(page, content).first();
    await seen.waitFor();
    const text = await seen.innerText();
    assert.match(text, /E2026-\d{6}/, 'marked with its campus number');
    assert.match(text, /陈晓东/, 'marked with its author');
    assert.match(text, /发生|记录|\d\d:\d\d/, 'marked with its times');
  }
  await picture(hub, 'desk');
});

test('headquarters watches an incident opened from the item grow', async () => {
  const east = browsers.east.page;
  await east.getByRole('status').getByRole('button', { name: '转紧急情况' }).click();
  const form = east.getByRole('dialog');
  await form.getByRole('button', { name: /保存/ }).click();
  await east.waitForURL('**/incidents/*');
  const leader = await at('leader', 'hub', 'leader');
  const path = new URL(east.url()).pathname;
  await leader.goto(demo.hub.url + path);
  await leader.getByRole('heading', { name: '时间线' }).waitFor();
  await east.getByRole('textbox', { name: '内容' }).fill('明火已扑灭，正在清点人数');
  await east.keyboard.press('Control+Enter');
  await leader.getByText('明火已扑灭，正在清点人数').waitFor();
  await picture(leader, 'incident');
});

async function watch(page, camera) {
  await page.locator(`button[data-camera="${camera.id}"]`).click();
  await until('the picture moves', async () => {
    const tiles = await page.locator(`figure[data-source="${camera.id}"]`).count();
    return tiles > 0 && (await framesOf(page, camera.id)) > 10;
  });
}

async function pulls(place) {
  const text = await (await fetch(`${demo[place].url}/metrics`)).text();
  const line = text.split('\n').find((one) => /^\w*media_pulls\w* /.test(one));
  assert.ok(line, 'the site counts what it pulls');
  return Number(line.split(' ').at(-1));
}

test('headquarters watches a West camera, and a second viewer costs no second pull', async () => {
  const hub = browsers.hub.page;
  const west = demo.cameras.find((camera) => camera.site === demo.west.id);
  await hub.getByRole('link', { name: '视频' }).click();
  await until('four cameras are listed', async () => {
    return (await hub.locator('button[data-camera]').count()) === 4;
  });
  assert.equal(await pulls('west'), 0, 'nothing is pulled before somebody watches');
  await watch(hub, west);
  const before = await clockOf(hub, west.id);
  await until('the burnt-in clock advances', async () => (await clockOf(hub, west.id)) > before);
  const leader = browsers.leader.page;
  await leader.goto(`${demo.hub.url}/cameras`);
  await watch(leader, west);
  assert.equal(await pulls('west'), 1, 'one pull at West for two viewers');
  assert.equal(await pulls('hub'), 1, 'one crossing for two viewers');
  for (const cipher of await ciphers(hub)) assert.match(cipher, /AEAD_AES_128_GCM$/);
  for (const camera of demo.cameras.filter((one) => one.id !== west.id)) await watch(hub, camera);
  await picture(hub, 'cameras');
});

test('a campus watches a camera of the other campus through the hub', async () => {
  const { page } = browsers.second;
  const gate = demo.cameras.find((camera) => camera.name === '西门');
  await page.goto(`${demo.east.url}/cameras`);
  await watch(page, gate);
});

test('leader and officer see and hear each other and a pinned camera', async () => {
  const { page: east } = browsers.east;
  const { page: leader } = browsers.leader;
  await east.getByRole('button', { name: '会商', exact: true }).click();
  await east.waitForURL('**/consultations/*');
  const path = new URL(east.url()).pathname;
  await leader.goto(demo.hub.url + path);
  for (const page of [east, leader]) await page.getByRole('button', { name: '加入会商' }).click();
  for (const page of [east, leader]) {
    const seen = async () => (await page.locator('figure[data-phase="playing"]').count()) >= 1;
    await until('the other person is seen', seen, 60_000).catch(async ({ message }) => {
      const said = await page.getByRole('main').innerText();
      throw new Error(`${page.url()}: ${message}; ${await tilesOf(page)}; ${said}`);
    });
    const source = await page.locator('figure[data-phase="playing"]').first().getAttribute('data-source');
    const frames = await framesOf(page, source);
    await until('decoded frames rise', async () => (await framesOf(page, source)) > frames + 10);
    const heard = await audioReceived(page);
    await until('voice arrives', async () => (await audioReceived(page)) > heard + 20);
  }
  const gate = demo.cameras.find((camera) => camera.site === demo.east.id);
  await leader.getByRole('button', { name: '固定摄像机' }).click();
  await leader.locator(`button[data-camera="${gate.id}"]`).click();
  for (const page of [east, leader]) {
    await until('the pinned camera is seen', async () => {
      const tiles = await page.locator(`figure[data-source="${gate.id}"]`).count();
      return tiles > 0 && (await framesOf(page, gate.id)) > 10;
    });
  }
  await picture(leader, 'consultation');
  await leader.getByRole('button', { name: '离开会商' }).click();
  const hub = browsers.hub.page;
  await hub.goto(`${demo.hub.url}/incidents`);
  await row(hub, '冒烟').first().getByRole('link').first().click();
  for (const line of ['发起会商', '加入会商', '退出会商', '调看摄像机']) {
    await hub.getByText(line).first().waitFor();
  }
  await east.getByRole('button', { name: '离开会商' }).click();
});

test('with headquarters gone both campuses work on, and nothing is lost or doubled after', async () => {
  const east = browsers.east.page;
  const west = browsers.west.page;
  await demo.command('stop hub');
  for (const [page, place] of [[east, 'east'], [west, 'west']]) {
    await page.goto(`${demo[place].url}/desk`);
    await page.getByText(/断网自 .*本地记录正常/).first().waitFor();
    await record(page, `${place} 断网期间的记事`);
  }
  await picture(east, 'cut-off');
  const own = demo.cameras.find((camera) => camera.site === demo.east.id);
  await east.goto(`${demo.east.url}/cameras`);
  await watch(east, own);
  await demo.command('start hub');
  await browsers.hub.page.goto(`${demo.hub.url}/desk`);
  for (const place of ['east', 'west', 'hub']) {
    const { page } = browsers[place];
    await page.goto(`${demo[place].url}/desk`);
    for (const origin of ['east', 'west']) {
      await row(page, `${origin} 断网期间的记事`).first().waitFor();
      assert.equal(await row(page, `${origin} 断网期间的记事`).count(), 1);
    }
  }
  const lists = await Promise.all(
    ['hub', 'east', 'west'].map((place) =>
      browsers[place].page.evaluate(async () => {
        const answer = await fetch('/api/v1/records?limit=200');
        const { items } = await answer.json();
        return items.map(({ id, number, title, state, recorded_at }) => ({ id, number, title, state, recorded_at }));
      }),
    ),
  );
  assert.deepEqual(lists[1], lists[0]);
  assert.deepEqual(lists[2], lists[0]);
});

test('every signature and chain holds, and all three sites hold the same bytes', async () => {
  const heads = () => ['hub', 'east', 'west'].map((place) => demo.verify(place));
  // Equal heads are equal journals: each head's hash covers everything before it.
  await until('equal heads', () => {
    const [hub, ...campuses] = heads().map((report) => JSON.stringify(report.heads));
    return campuses.every((campus) => campus === hub);
  });
  for (const report of heads()) assert.equal(report.first_bad, null);
});

test('no page threw an error', () => {
  for (const [who, { errors }] of Object.entries(browsers)) assert.deepEqual(errors, [], who);
});
