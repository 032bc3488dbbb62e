'use strict'

const { configure } = require('./configuration')
const { IDBCursor, IDBCursorWithValue } = require('./cursor')
const { IDBDatabase } = require('./database')
const { IDBFactory, indexedDB } = require('./factory')
const { IDBIndex } = require('./store-index')
const { IDBKeyRange } = require('./key-range')
const { IDBObjectStore } = require('./object-store')
const { IDBOpenDBRequest, IDBRequest } = require('./request')
const { IDBRecord } = require('./record')
const { DOMStringList } = require('./string-list')
const { IDBTransaction } = require('./transaction')
const { IDBVersionChangeEvent } = require('./version-change-event')

module.exports.configure = configure
module.exports.indexedDB = indexedDB
module.exports.IDBFactory = IDBFactory
module.exports.IDBKeyRange = IDBKeyRange
module.exports.IDBDatabase = IDBDatabase
module.exports.IDBTransaction = IDBTransaction
module.exports.IDBObjectStore = IDBObjectStore
module.exports.IDBIndex = IDBIndex
module.exports.IDBCursor = IDBCursor
module.exports.IDBCursorWithValue = IDBCursorWithValue
module.exports.IDBRequest = IDBRequest
module.exports.IDBOpenDBRequest = IDBOpenDBRequest
module.exports.IDBVersionChangeEvent = IDBVersionChangeEvent
module.exports.IDBRecord = IDBRecord
module.exports.DOMStringList = DOMStringList
