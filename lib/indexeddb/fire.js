'use strict'

const { Dispatch, RequestEvent } = require('./dispatch')
const { isHeard, pathFrom, stateOf } = require('./event-target')
const { IDBVersionChangeEvent } = require('./version-change-event')

/**
 * Fires an event; each listener is followed by its microtasks.
 *
 * @param {EventTarget} target
 * @param {Event} event
 * @param {(result: { didThrow: boolean, isCanceled: boolean }) => void} done
 */
function fire(target, event, done) {
  if (!isHeard(target, event.type)) {
    done({ didThrow: false, isCanceled: false })
    return
  }
  const dispatch = Dispatch.of(event).begin(pathFrom(target), stateOf)
  dispatch.run((didThrow) => done({ didThrow, isCanceled: event.defaultPrevented }))
}

const successEvent = () => new RequestEvent('success')
const errorEvent = () => new RequestEvent('error', { bubbles: true, cancelable: true })
const completeEvent = () => new RequestEvent('complete')
const abortEvent = () => new RequestEvent('abort', { bubbles: true })
const closeEvent = () => new RequestEvent('close')

/** @param {string} type @param {number} oldVersion @param {number | null} newVersion */
function versionEvent(type, oldVersion, newVersion) {
  return new IDBVersionChangeEvent(type, { oldVersion, newVersion })
}

module.exports = {
  abortEvent,
  closeEvent,
  completeEvent,
  errorEvent,
  fire,
  successEvent,
  versionEvent,
}
