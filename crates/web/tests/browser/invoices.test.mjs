// Invoices: a seller's program issues one and credits it, and the owner who paid finds both, as files too.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Program, Stage, VIEWS, fresh, run } from './stage.mjs';
import { WORDS } from './words.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(() => stage?.close());

describe('what was paid, on paper', () => {
  for (const [lang, width] of VIEWS) {
    test(`is found by whoever paid, in ${lang}`, async () => finds(lang, width));
  }
});

async function finds(lang, width) {
  const w = WORDS[lang];
  const person = await stage.person({ lang, width, pictures: 95 });
  await person.join(w);
  const agent = await person.connect(w, 'Helper');
  const { page } = person;
  await person.goto('/invoices');
  assert.ok((await person.reads()).includes(w.noInvoices));

  // The seller, at the command line.
  const key = join(agent.folder, 'seller.toml');
  const made = await run(['payee', 'create', '--json', '--server', stage.server, '--key', stage.book, '--asset', 'CNY/2',
    '--category', 'fun', '--label', `Evening Paper ${lang}`, '--key-out', key]);
  assert.equal(made.code, 0, made.err);
  const who = ['--server', stage.server, '--key', key, '--json'];
  const seller = await Program.read(stage, key);
  const payee = JSON.parse(made.out).payee ?? JSON.parse(made.out).id;
  const asked = await agent.pay(payee, 318);
  assert.equal(asked.status, 202, JSON.stringify(asked.json));
  await person.goto('/approvals');
  await person.press(w.once);
  const paid = await agent.pay(payee, 318, { approval: asked.json.id });
  assert.equal(paid.status, 201, JSON.stringify(paid.json));
  const said = join(agent.folder, 'invoice.json');
  await writeFile(said, JSON.stringify({
    lines: [{ purchase: paid.json.id, text: '晚报 the paper', tax: { kind: 'standard', rate_ppm: 60_000 } }],
    seller: { name: 'Evening Paper', country: 'CN', vat_id: 'CN913301' }, buyer: { name: '王小明', country: 'CN' },
  }));
  const issued = await run(['seller', 'invoice', 'issue', said, ...who]);
  assert.equal(issued.code, 0, issued.err);
  const { id } = JSON.parse(issued.out);
  const back = await seller.post('/v1/refunds',
    { id: fresh('ref'), payment: paid.json.id, amount: { amount: '106', asset: 'CNY/2' } });
  assert.equal(back.status, 201, JSON.stringify(back.json));

  await person.goto('/money');
  await person.follow(w.invoices);
  const before = await person.reads();
  for (const part of ['INV-1', '¥3.18', w.creditDue]) assert.ok(before.includes(part), `${part}: ${before}`);
  await person.look('invoices');
  const listed = await run(['seller', 'invoice', 'list', '--to-credit', ...who]);
  assert.equal(JSON.parse(listed.out).id, id);
  const credited = await run(['seller', 'invoice', 'credit', id, '--note', 'late', ...who]);
  assert.equal(credited.code, 0, credited.err);
  await person.goto('/invoices');
  const after = await person.reads();
  for (const part of ['CRN-1', '¥1.06']) assert.ok(after.includes(part), `${part}: ${after}`);
  assert.ok(!after.includes(w.creditDue));
  await person.look('invoices-credited');

  for (const [name, begins] of [['INV-1 PDF', '%PDF-'], ['INV-1 XML', '<?xml'], ['CRN-1 PDF', '%PDF-']]) {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name, exact: true }).click();
    const bytes = await readFile(await (await download).path(), 'latin1');
    assert.ok(bytes.startsWith(begins), name);
  }
  const out = join(agent.folder, 'invoice.pdf');
  assert.equal((await run(['seller', 'invoice', 'get', id, '--out', out, ...who])).code, 0);
  assert.ok((await readFile(out, 'latin1')).startsWith('%PDF-'));
  person.settle();
  await person.context.close();
}
