// East reaches nobody: files carried on a USB stick do what the link would, both ways, by page.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { desk, openBrowser, phone, signIn, until } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const pictures = process.env.PICTURES;
const folder = mkdtempSync(join(tmpdir(), 'dutyroom-stick-'));
const atEast = '断网期间：3 号楼水管爆裂，已关总阀';
const atHub = '断网期间：已通知后勤调抢修队';

let demo;
const people = {};

before(async () => {
  demo = await startDemo();
  const admin = await demo.addUser('east', 'administrator');
  await demo.cutOff('east');
  people.east = await signedIn('east', demo.user('east', 'officer'));
  people.eastAdmin = await signedIn('east', admin);
  people.hub = await signedIn('hub', demo.user('hub', 'headquarters'));
  people.hubAdmin = await signedIn('hub', demo.user('hub', 'administrator'));
  for (const [place, name] of [['east', 'eastAdmin'], ['hub', 'hubAdmin']]) {
    await people[name].page.goto(`${demo[place].url}/status`);
  }
});

after(async () => {
  for (const person of Object.values(people)) await person.close();
  rmSync(folder, { recursive: true, force: true });
  assert.equal(await demo?.end(), 0, 'Ctrl-C ends the demo well');
});

async function signedIn(place, user) {
  const browser = await openBrowser();
  await signIn(browser.page, demo[place].url, user);
  return browser;
}

// On a desk and on a phone, the whole page.
async function shot(page, name) {
  if (!pictures) return;
  for (const [size, { width, height }] of Object.entries({ desk, phone })) {
    await page.setViewportSize({ width, height });
    const inside = await page.getByRole('main').evaluate((main) => main.scrollHeight);
    await page.setViewportSize({ width, height: Math.max(height, inside + 260) });
    await page.screenshot({ path: join(pictures, `${name}-${size}.png`) });
  }
  await page.setViewportSize(desk);
}

async function writes({ page }, content) {
  const entry = page.getByRole('region', { name: '新记事' });
  await page.keyboard.press('F4');
  await entry.getByLabel('内容').fill(content);
  await page.keyboard.press('Control+Enter');
  await page.getByRole('status').filter({ hasText: '已保存' }).waitFor();
}

const panel = ({ page }) => page.getByRole('region', { name: '补传文件' });

async function exports(admin, receiver, name) {
  await panel(admin).getByRole('combobox', { name: '收件值班室' }).click();
  await admin.page.getByTitle(receiver, { exact: true }).last().click();
  const saved = admin.page.waitForEvent('download');
  await panel(admin).getByRole('button', { name: '导出补传文件' }).click();
  const file = await saved;
  assert.match(file.suggestedFilename(), new RegExp(`给${receiver}-.*\\.carry$`));
  await panel(admin).getByRole('status').filter({ hasText: '已导出' }).waitFor();
  const path = join(folder, `${name}.carry`);
  await file.saveAs(path);
  return path;
}

const imports = (admin, path) => panel(admin).locator('input[type=file]').setInputFiles(path);
const says = (admin, words) => panel(admin).getByText(words).waitFor();
const row = ({ page }, words) => page.getByRole('row').filter({ hasText: words }).first();

test('what East wrote while it reached nobody comes to the hub in a file', async () => {
  await writes(people.east, atEast);
  await row(people.east, atEast).getByText('仅存本机').waitFor();
  await people.eastAdmin.page.getByText(/断网，/).first().waitFor();
  const file = await exports(people.eastAdmin, '总值班室', 'east');
  await shot(people.eastAdmin.page, 'carry-exported');
  await imports(people.hubAdmin, file);
  await says(people.hubAdmin, '已导入：东校区值班室');
  await shot(people.hubAdmin.page, 'carry-imported');
  await row(people.hub, atEast).waitFor();
});

test('the file back brings what the hub wrote, and word that East is not alone with its item', async () => {
  await writes(people.hub, atHub);
  const file = await exports(people.hubAdmin, '东校区值班室', 'hub');
  await imports(people.eastAdmin, file);
  await says(people.eastAdmin, '已导入：总值班室');
  await row(people.east, atHub).waitFor();
  await row(people.east, atEast).getByText('仅存本机').waitFor({ state: 'hidden' });
});

test('the same file once more is nothing new', async () => {
  await imports(people.hubAdmin, join(folder, 'east.carry'));
  await says(people.hubAdmin, '没有新内容');
});

test('a file that is of no use says in words why', async () => {
  const whole = readFileSync(join(folder, 'east.carry'));
  const altered = Buffer.from(whole);
  altered[whole.length - 40] ^= 1;
  const forWest = await exports(people.eastAdmin, '西校区值班室', 'west');
  const made = (name, bytes) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const cases = [
    [made('半截.carry', whole.subarray(0, whole.length - 100)), '文件不完整'],
    [made('改动.carry', altered), '文件已损坏或被改动'],
    [made('会议通知.docx', randomBytes(3_000)), '这不是本系统导出的文件'],
    [made('监控录像.mp4', randomBytes(60_000_000)), '这不是本系统导出的文件'],
    [made('空.carry', ''), '文件是空的'],
    [forWest, '这个文件不是给本值班室的'],
    [join(folder, 'hub.carry'), '这是本机自己导出的文件'],
  ];
  for (const [path, words] of cases) {
    await imports(people.hubAdmin, path);
    await panel(people.hubAdmin).getByRole('alert').filter({ hasText: words }).waitFor();
  }
  await shot(people.hubAdmin.page, 'carry-refused');
});

test('once the line is back nothing is missing on either side', async () => {
  await demo.reconnect('east');
  const { page } = people.hubAdmin;
  const east = page.getByRole('region', { name: '各值班室' }).getByRole('row').filter({ hasText: '东校区' });
  await east.getByText('已齐').waitFor();
  await page.getByRole('button', { name: '立即核对' }).click();
  const compared = page.getByRole('region', { name: '与其他值班室核对' }).getByRole('row');
  await compared.filter({ hasText: '东校区' }).getByText('一致').waitFor();
  await compared.filter({ hasText: '西校区' }).getByText('一致').waitFor();
  await page.getByText(/通读本机 \d+ 条/).waitFor();
  await page.getByText('没有待核查的数据').waitFor();
  await until('both hold the same', () => {
    const [hub, own] = ['hub', 'east'].map((place) => JSON.stringify(demo.verify(place).heads));
    return hub === own;
  });
  await shot(page, 'carry-whole');
});

test('what a site writes beyond the end of its key is listed with the reason in words', async () => {
  const { seq } = demo.verify('hub').heads.find(({ site }) => site === demo.east.id);
  await demo.command('stop hub');
  demo.run('hub', ['revoke', '--site', 'E', '--cut', String(seq - 1), '--yes']);
  await demo.command('start hub');
  const { page } = people.hubAdmin;
  await page.goto(`${demo.hub.url}/status`);
  const listed = page.getByRole('region', { name: '待核查数据' }).last().getByRole('row');
  await listed.filter({ hasText: '该值班室的密钥已停用' }).filter({ hasText: '东校区值班室' }).waitFor();
  await page.getByRole('button', { name: '重新核查' }).click();
  await page.getByRole('status').filter({ hasText: '0 条生效，0 条拒收，1 条仍暂存' }).waitFor();
  await shot(page, 'quarantine');
});

test('what is seen on the way throws no error', () => {
  for (const [name, { errors }] of Object.entries(people)) assert.deepEqual(errors, [], name);
});
