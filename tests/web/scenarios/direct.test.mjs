// The hub goes while two campuses confer: they link directly, and picture and voice go on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, signIn, until } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';
import { audioReceived, framesOf, keepPeers } from '../lib/media.mjs';

let demo;
let east;
let west;
let wall;

before(async () => {
  demo = await startDemo();
  for (const campus of ['east', 'west']) await demo.letDial(campus);
  [east, west] = await Promise.all(
    ['east', 'west'].map(async (campus) => {
      const browser = await openBrowser();
      await keepPeers(browser.page);
      await signIn(browser.page, demo[campus].url, demo.user(campus, 'officer'));
      return browser;
    }),
  );
});

after(async () => {
  await east?.close();
  await west?.close();
  assert.equal(await demo?.end(), 0, 'Ctrl-C ends the demo well');
});

// Waits until a count has grown well beyond what it is now.
async function growsOn(what, count) {
  const now = await count();
  await until(`${what} goes on`, async () => (await count()) > now + 20);
}

const gate = () => demo.camera('东门').id;
const heard = ({ page }) => () => audioReceived(page);
const seen = () => framesOf(wall, gate());

test('both campuses talk, and West watches a camera of East', async () => {
  for (const { page } of [east, west]) await page.getByText('与总值班室联网').waitFor();
  await east.page.goto(`${demo.east.url}/incidents`);
  await east.page.getByRole('row').filter({ hasText: '电梯' }).first().getByRole('link').first().click();
  await east.page.getByRole('button', { name: '会商', exact: true }).click();
  await east.page.waitForURL('**/consultations/*');
  await west.page.goto(demo.west.url + new URL(east.page.url()).pathname);
  for (const { page } of [east, west]) await page.getByRole('button', { name: '加入会商' }).click();
  wall = await west.page.context().newPage();
  await wall.goto(`${demo.west.url}/cameras`);
  await wall.locator(`button[data-camera="${gate()}"]`).click();
  await wall.locator(`figure[data-source="${gate()}"] video`).waitFor();
  await growsOn('the picture of East', seen);
  await growsOn('what East hears', heard(east));
  await growsOn('what West hears', heard(west));
});

test('the hub goes, and all of it goes on over the direct link, which the head names', async () => {
  await demo.command('stop hub');
  await east.page.getByText(/断网.*与西校区直接联通/).waitFor();
  await west.page.getByText(/断网.*与东校区直接联通/).waitFor();
  await growsOn('the picture of East', seen);
  await growsOn('what East hears', heard(east));
  await growsOn('what West hears', heard(west));
});

test('the hub is back, and nobody had to join again', async () => {
  await demo.command('start hub');
  await east.page.getByText('与总值班室联网').waitFor();
  await west.page.getByText('与总值班室联网').waitFor();
  await growsOn('the picture of East', seen);
  await growsOn('what West hears', heard(west));
  for (const { page } of [east, west]) await page.getByText('在会 2 人').waitFor();
});

test('what is seen on the way throws no error', () => {
  assert.deepEqual([east.errors, west.errors], [[], []]);
});
