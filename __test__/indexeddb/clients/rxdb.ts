import { phases } from '../phases'
import assert from 'node:assert/strict'
import { addRxPlugin, createRxDatabase } from 'rxdb'
import { RxDBMigrationSchemaPlugin } from 'rxdb/plugins/migration-schema'
import { RxDBQueryBuilderPlugin } from 'rxdb/plugins/query-builder'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { RxDBUpdatePlugin } from 'rxdb/plugins/update'
import { filter, firstValueFrom } from 'rxjs'

addRxPlugin(RxDBMigrationSchemaPlugin)
addRxPlugin(RxDBQueryBuilderPlugin)
addRxPlugin(RxDBUpdatePlugin)

const COUNT = 200

const schema: any = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 20 },
    name: { type: 'string', maxLength: 40 },
    power: { type: 'number', minimum: 0, maximum: 1000, multipleOf: 1 },
    done: { type: 'boolean' },
  },
  required: ['id', 'name', 'power', 'done'],
  indexes: ['power', ['done', 'power']],
}

const open = (): Promise<any> =>
  createRxDatabase({ name: 'heroes', storage: getRxStorageDexie(), multiInstance: false })

async function create(): Promise<void> {
  const db = await open()
  const { heroes } = await db.addCollections({ heroes: { schema } })
  const { success, error } = await heroes.bulkInsert(
    Array.from({ length: COUNT }, (_, i) => ({
      id: `h${i}`,
      name: `hero ${i}`,
      power: i,
      done: i % 2 === 0,
    })),
  )
  assert.deepEqual([success.length, error.length], [COUNT, 0])
  await assert.rejects(heroes.insert({ id: 'h1', name: 'x', power: 1, done: true }), {
    code: 'CONFLICT',
  })
  const strong = heroes.find().where('power').gte(COUNT)
  const seen = firstValueFrom(strong.$.pipe(filter((found: any) => found.length === 1)))
  const hero = await heroes.findOne('h3').exec()
  await hero.incrementalPatch({ power: 500 })
  const [found] = (await seen) as any[]
  assert.equal(found.name, 'hero 3')
  await (await heroes.findOne('h4').exec()).remove()
  await heroes.find({ selector: { power: { $lt: 3 } } }).update({ $set: { name: 'weak' } })
  await db.close()
}

async function reopen(): Promise<void> {
  const db = await open()
  const migrated = {
    schema: {
      ...schema,
      version: 1,
      properties: { ...schema.properties, level: { type: 'number' } },
    },
    migrationStrategies: { 1: (hero: any) => ({ ...hero, level: Math.floor(hero.power / 100) }) },
  }
  const { heroes } = await db.addCollections({ heroes: migrated })
  assert.equal(await heroes.count().exec(), COUNT - 1)
  const strongest = await heroes.find({ sort: [{ power: 'desc' }], limit: 3 }).exec()
  assert.deepEqual(
    strongest.map((hero: any) => [hero.id, hero.power, hero.level]),
    [
      ['h3', 500, 5],
      ['h199', 199, 1],
      ['h198', 198, 1],
    ],
  )
  const done = await heroes.find({ selector: { done: true, power: { $lte: 8 } } }).exec()
  assert.deepEqual(done.map((hero: any) => hero.id).toSorted(), ['h0', 'h2', 'h6', 'h8'])
  assert.equal((await heroes.findOne('h2').exec()).name, 'weak')
  assert.equal(await heroes.findOne('h4').exec(), null)
  await db.remove()
}

phases({ create, reopen }, { hasChannel: true })
