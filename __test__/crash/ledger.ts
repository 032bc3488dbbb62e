/** What was acknowledged, and what was under way when a writer was killed. */

import { generationOf, type Report, type Start } from './lanes'
import type { Contents } from './verifier'

type Doubt = Map<string, (number | null)[]>

/** Follows the reports of writers, and compares them with what is found. */
export class Ledger {
  private plain = new Map<string, number>()
  private large = new Map<string, number>()
  private passing = new Set<string>()
  private transfers = 0
  private scratch: number[] | null = null
  private numbered = new Map<number, number>()
  /** The highest key that the generator ever made, as far as it was told. */
  private highest = 0
  private version = 1
  private backup: number | null = null

  /** Operations that were begun and not acknowledged, by lane. */
  private readonly underWay = new Map<string, any>()

  /** What the next writer starts from. Versions are never used again. */
  start(backups: string): Start {
    this.version += 1_000_000
    const { version, transfers: transfer, scratch } = this
    const numbered = [...this.numbered.keys()]
    return { version, transfer, scratch, numbered, indexes: [...this.passing], backups }
  }

  /** The backups that the last writer has made, or was about to make. */
  backupsInQuestion(): number[] {
    const all = [this.backup, this.underWay.get('backup')]
    return all.filter((number): number is number => typeof number === 'number')
  }

  /** Takes a report of a writer. */
  hear({ lane, begins, ends }: Report): void {
    if (begins !== undefined) {
      this.underWay.set(lane, begins)
    } else if (ends !== undefined) {
      this.acknowledge(lane, this.underWay.get(lane), ends)
      this.underWay.delete(lane)
    }
  }

  private acknowledge(lane: string, operation: any, result: any): void {
    switch (lane) {
      case 'bank':
        if (operation !== null) this.transfers = operation + 1
        return
      case 'schema':
        if (operation.creates) this.passing.add(operation.name)
        else this.passing.delete(operation.name)
        return
      case 'scratch':
        this.scratch = operation
        return
      case 'large':
        return void setOrDelete(this.large, String(operation[0]), operation[1])
      case 'numbered':
        for (const [i, serial] of (operation.added ?? []).entries()) {
          this.numbered.set(result[i], serial)
          this.highest = Math.max(this.highest, result[i])
        }
        for (const key of operation.deleted ?? []) this.numbered.delete(key)
        return
      case 'backup':
        this.backup = operation
        return
      case 'compact':
        return
      default:
        for (const [place, version] of operation) {
          setOrDelete(this.plain, `${lane}:${place}`, version)
        }
    }
  }

  /** Compares what is there with what may be; what is there is then what is known. Gives errors. */
  settle(contents: Contents): string[] {
    const problems = [
      ...this.settleDocuments('plain', this.plain, contents.plain, this.plainInDoubt()),
      ...this.settleDocuments('large', this.large, contents.large, this.largeInDoubt()),
      ...this.settlePassing(contents.passing),
      ...this.settleTransfers(contents.transfers),
      ...this.settleScratch(contents.scratch),
      ...this.settleNumbered(contents),
      ...this.settleBackups(contents.backups),
    ]
    this.underWay.clear()
    return problems
  }

  private plainInDoubt(): Doubt {
    const doubt: Doubt = new Map()
    for (const lane of ['one', 'two', 'single', 'companion']) {
      for (const [place, version] of this.underWay.get(lane) ?? []) {
        const id = `${lane}:${place}`
        doubt.set(id, [...(doubt.get(id) ?? []), version])
      }
    }
    return doubt
  }

  private largeInDoubt(): Doubt {
    const operation = this.underWay.get('large')
    return new Map(operation === undefined ? [] : [[String(operation[0]), [operation[1]]]])
  }

  private settleDocuments(
    store: string,
    known: Map<string, number>,
    found: [id: string | number, version: number][],
    doubt: Doubt,
  ): string[] {
    const problems: string[] = []
    const actual = new Map(found.map(([id, version]) => [String(id), version]))
    for (const id of new Set([...known.keys(), ...actual.keys(), ...doubt.keys()])) {
      const allowed = [known.get(id) ?? null, ...(doubt.get(id) ?? [])]
      const version = actual.get(id) ?? null
      if (!allowed.includes(version)) {
        problems.push(`${store} ${id} is of version ${version}, not ${allowed.join(' or ')}`)
      }
      setOrDelete(known, id, version)
    }
    return problems
  }

  private settlePassing(found: string[]): string[] {
    const { name, creates } = this.underWay.get('schema') ?? {}
    const problems: string[] = []
    for (const index of new Set([...found, ...this.passing, ...(name ? [name] : [])])) {
      const isThere = found.includes(index)
      const mayBe = this.passing.has(index) === isThere || (index === name && creates === isThere)
      if (!mayBe) problems.push(`the index ${index} is ${isThere ? 'there' : 'missing'}`)
    }
    this.passing = new Set(found)
    return problems
  }

  private settleTransfers(found: number): string[] {
    const allowed = [this.transfers]
    const underWay = this.underWay.get('bank')
    if (typeof underWay === 'number') allowed.push(underWay + 1)
    const problem = `there are ${found} transfers, not ${allowed.join(' or ')}`
    this.transfers = found
    return allowed.includes(found) ? [] : [problem]
  }

  private settleScratch(found: Contents['scratch']): string[] {
    const allowed = [this.scratch]
    if (this.underWay.has('scratch')) allowed.push(this.underWay.get('scratch'))
    const generations = found?.map(([generation]) => generation).toSorted(byNumber) ?? null
    const wholes = (found ?? []).every(([generation, n]) => generationOf(generation).length === n)
    const isAllowed = allowed.some(
      (each) => String(each) === String(generations) && !each === !generations,
    )
    const problem = `scratch has ${JSON.stringify(found)}, not ${JSON.stringify(allowed)}`
    this.scratch = generations
    return wholes && isAllowed ? [] : [problem]
  }

  /** The verifier has seen that those which are there are whole. */
  private settleBackups(found: string[]): string[] {
    const known = this.backup
    this.backup = null
    if (known === null || found.includes(String(known))) return []
    return [`the backup ${known} is missing, there are ${JSON.stringify(found)}`]
  }

  private settleNumbered({ numbered, made }: Contents): string[] {
    const problems: string[] = []
    const { added = [], deleted = [] } = this.underWay.get('numbered') ?? {}
    const found = new Map(numbered)
    for (const [key, serial] of this.numbered) {
      if (
        deleted.includes(key)
          ? found.has(key) && found.get(key) !== serial
          : found.get(key) !== serial
      ) {
        problems.push(`numbered ${key} has serial ${found.get(key)}, not ${serial}`)
      }
    }
    const deletedLeft = deleted.filter((key: number) => found.has(key)).length
    if (deletedLeft !== 0 && deletedLeft !== deleted.length)
      problems.push('half of a deleteMany is there')
    for (const [key, serial] of found) {
      if (!this.numbered.has(key) && !added.includes(serial)) {
        problems.push(`numbered ${key} with serial ${serial} was never written`)
      }
    }
    if (made <= this.highest) problems.push(`the key ${made} was made twice: ${this.highest} was`)
    this.highest = made
    this.numbered = found
    return problems
  }
}

const byNumber = (a: number, b: number): number => a - b

function setOrDelete(map: Map<string, number>, id: string, version: number | null): void {
  if (version === null) map.delete(id)
  else map.set(id, version)
}
