'use strict'

const { Promise } = require('../globals')
const { DatabaseState } = require('./database-state')
const { makeDatabase } = require('./database')
const { setParent } = require('./event-target')
const { exception, exceptionOf } = require('./exceptions')
const { errorEvent, fire, successEvent, versionEvent } = require('./fire')
const { appendSchema } = require('./schema-changes')
const { queueTask } = require('./tasks')
const { STATE, TransactionState } = require('./transaction-state')
const { makeTransaction } = require('./transaction')

/**
 * Opens a database ("open a database connection"), and tells the request of it.
 *
 * @param {object} entry of the registry
 * @param {import('./request-state').RequestState} request
 * @param {string} name
 * @param {number | undefined} wanted the version; undefined for the one that it has, or 1
 */
async function openDatabase(entry, request, name, wanted) {
  try {
    const database = await connect(entry, request, name, wanted)
    await tellOf(request, successEvent(), () => {
      request.result = database.face
      request.error = null
    })
    database.opened()
  } catch (error) {
    await tellFailure(request, error)
  }
}

async function connect(entry, request, name, wanted) {
  const engine = await entry.engine('openOrCreate')
  for (;;) {
    await engine.lock.share()
    const { version } = engine
    const target = wanted ?? (version === 0 ? 1 : version)
    if (version > target) {
      const message = `The database has version ${version}, which is greater than ${target}`
      throw exception('VersionError', message)
    }
    // Others may upgrade it while this one waits to.
    if (version < target && !(await makeWay(entry, request, version, target))) continue
    const database = new DatabaseState(engine, name, target)
    makeDatabase(database)
    entry.add(database)
    if (version < target) await upgradeNew(entry, request, database, version)
    entry.watch(engine)
    return database
  }
}

/** Upgrades the database of a connection that is being made. */
async function upgradeNew(entry, request, database, oldVersion) {
  entry.upgradedFrom = oldVersion
  let isCommitted = false
  try {
    isCommitted = await upgrade(request, database, oldVersion, database.version)
    if (!isCommitted || database.isClosePending) {
      throw exception('AbortError', 'The upgrade was aborted, or the connection closed in it')
    }
    await database.engine.lock.share()
  } catch (error) {
    database.close()
    database.opened()
    if (oldVersion === 0 && !isCommitted) await discard(entry)
    throw error
  } finally {
    entry.upgradedFrom = null
  }
}

/** Deletes what an aborted first upgrade has left. */
async function discard(entry) {
  if (entry.connections.size > 0) return
  await entry.remove()
}

/**
 * Asks others to close the database, and waits until they have.
 *
 * @returns {Promise<boolean>} false if its version is another one by then
 */
async function makeWay(entry, request, oldVersion, newVersion) {
  const others = [...entry.connections].filter((each) => !each.isClosePending)
  for (const each of others) {
    const event = versionEvent('versionchange', oldVersion, newVersion)
    await task((done) => each.tell(event, done))
  }
  let isTold = false
  const tellBlocked = async () => {
    if (isTold) return
    isTold = true
    await task((done) => fire(request.face, versionEvent('blocked', oldVersion, newVersion), done))
  }
  // Those that are to be closed wait for their transactions alone.
  if (entry.isBlocked()) await tellBlocked()
  await entry.allClosed()
  const engine = await entry.engine('open')
  const isOutdated = () => engine.version !== oldVersion
  return engine.lock.takeAlone({ oldVersion, newVersion }, isOutdated, tellBlocked)
}

/** Runs the upgrade ("upgrade a database"). @returns {Promise<boolean>} whether it is committed */
async function upgrade(request, database, oldVersion, newVersion) {
  database.saveSchema(oldVersion)
  const transaction = new TransactionState(
    database,
    'versionchange',
    new Set(database.stores.keys()),
    'default',
  )
  const face = makeTransaction(transaction)
  setParent(face, database.face)
  database.upgrade = transaction
  transaction.state = STATE.INACTIVE
  const ended = new Promise((resolve) => {
    transaction.onEnd = resolve
  })
  transaction.isHeld = true
  database.begin(transaction)
  transaction.change((level) => appendSchema.setVersion(level, newVersion))
  const isTold = await task((done) => {
    if (transaction.isFinished) {
      done(false)
      return
    }
    request.result = database.face
    request.transaction = transaction
    request.isDone = true
    transaction.state = STATE.ACTIVE
    const event = versionEvent('upgradeneeded', oldVersion, newVersion)
    fire(request.face, event, ({ didThrow }) => {
      transaction.isHeld = false
      if (didThrow && transaction.state === STATE.ACTIVE) {
        transaction.abort(exception('AbortError', 'A listener has thrown an exception'))
      }
      transaction.issueSteps()
      transaction.deactivate()
      done(true)
    })
  })
  const isCommitted = await ended
  // The storage has failed when it began.
  if (!isTold) throw transaction.error
  request.transaction = null
  request.result = undefined
  request.isDone = false
  return isCommitted
}

/** Runs a task and waits for it. */
function task(run) {
  return new Promise((resolve) => {
    queueTask((done) =>
      run((result) => {
        resolve(result)
        done()
      }),
    )
  })
}

/** Tells an open request what it has come to. */
function tellOf(request, event, show) {
  return task((done) => {
    request.isDone = true
    show()
    fire(request.face, event, done)
  })
}

function tellFailure(request, error) {
  return tellOf(request, errorEvent(), () => {
    request.result = undefined
    request.error = exceptionOf(error)
  })
}

/**
 * Deletes a database ("delete a database"), and tells the request of it.
 *
 * @param {object} entry of the registry
 * @param {import('./request-state').RequestState} request
 */
async function deleteDatabase(entry, request) {
  try {
    const version = await remove(entry, request)
    await tellOf(request, versionEvent('success', version, null), () => {
      request.result = undefined
    })
  } catch (error) {
    await tellFailure(request, error)
  }
}

async function remove(entry, request) {
  for (;;) {
    let engine
    try {
      engine = await entry.engine('open')
    } catch (error) {
      if (error.code === 'DATABASE_NOT_FOUND') return 0
      // Nobody can read its version any more.
      if (error.code === 'CORRUPT' && (await entry.remove())) return 0
      throw error
    }
    const { version } = engine
    if (!(await makeWay(entry, request, version, null))) continue
    try {
      // Those who wait to open or delete it keep the storage: they find it as new.
      if (version > 0) await engine.clear()
    } catch (error) {
      // Without its files there is room on a full disk.
      if (error.code === 'DISK_FULL' && (await entry.remove())) return version
      throw error
    }
    await entry.remove()
    return version
  }
}

module.exports = { deleteDatabase, openDatabase }
