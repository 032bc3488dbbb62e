import assert from 'node:assert/strict'
import { cpSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { assertCode } from '../support/errors'
import { sealedKey } from '../support/sealed'

const root = join(__dirname, '..', '..')

/** The package once more, as an installation of its own. */
function installCopy(directory: string): typeof import('../../index.js') {
  const files = ['package.json', 'index.js', 'binding.js', 'lib']
  const libraries = readdirSync(root).filter((name) => name.endsWith('.node'))
  for (const name of [...files, ...libraries]) {
    cpSync(join(root, name), join(directory, name), { recursive: true })
  }
  return createRequire(join(directory, 'from.js'))('./index.js')
}

const noLocks =
  process.platform !== 'linux' && 'only Linux has locks that tell two copies in one process apart'

test('two copies of the package in one process', { skip: noLocks }, async (t) => {
  const copy = installCopy(await temporaryDirectory(t))
  assert.notEqual(copy.open, open)
  const path = await temporaryDirectory(t)
  const db = await open(path, { stores: { s: {} } })
  await db.store('s').put('kept', 1)

  await t.test('the second one is refused what the first one has open', async () => {
    const error = await copy.open(path).then(
      () => assert.fail('LMDB has one file open twice'),
      (refused: Error & { code: string }) => refused,
    )
    assert.equal(error.code, 'UNSUPPORTED')
    assert.match(error.message, /another copy of Lodestore/)
    assert.match(error.message, /one version/)
    assert.equal(await db.store('s').get(1), 'kept')
    await db.store('s').put('still', 2)
  })

  await t.test('each may use databases of its own', async () => {
    const other = await copy.open(await temporaryDirectory(t), { stores: { s: {} } })
    await other.store('s').put('other', 1)
    assert.equal(await other.store('s').get(1), 'other')
    await other.close()
  })

  await t.test('and the second one can open it when the first one has closed it', async () => {
    await db.close()
    const encryption = sealedKey === undefined ? undefined : { key: sealedKey }
    const again = await copy.open(path, { encryption })
    assert.equal(await again.store('s').get(2), 'still')
    const error = await open(path).catch((refused) => refused)
    assertCode(error, 'UNSUPPORTED')
    await again.close()
    await (await open(path)).close()
  })
})
