/** Spaces: databases of their own inside one, for example one for each user. */

import { open } from 'lodestore'

const path = './data/spaces'
const root = await open(path)

for (const user of ['ada', 'grace']) {
  const space = await open(path, { space: user, stores: { notes: { autoIncrement: true } } })
  await space.store('notes').clear()
  await space.store('notes').add({ text: `${user}'s first note` })
  await space.close()
}
console.log('spaces:', (await root.spaces()).join(', '))

const ada = await open(path, { space: 'ada' })
for await (const { text } of ada.store('notes')) console.log(text)
await ada.close()

await root.deleteSpace('grace')
console.log('left:', (await root.spaces()).join(', '))
await root.close()
