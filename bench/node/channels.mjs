// Reads a JSON list of texts from standard input, prints for each channel the list of what came out of it.

import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import createDOMPurify from 'dompurify'
import { JSDOM } from 'jsdom'
import MarkdownIt from 'markdown-it'
import { marked } from 'marked'
import { det } from 'detergent'
import { replace } from 'out-of-character'

const require = createRequire(import.meta.url)
const { removeInvisibleCharacters } = require('remove-invisible-characters')
const { removeZeroWidth } = require('zero-width')

const markdownIt = new MarkdownIt({ html: true, linkify: true, typographer: true })
const plain = new MarkdownIt({ html: true, linkify: true })
const { window } = new JSDOM('')
const purify = createDOMPurify(window)

function shown(html) {
  const page = window.document.createElement('div')
  page.innerHTML = purify.sanitize(html)
  return page.textContent
}

const channels = {
  renderings: {
    'markdown-it': text => plain.render(text),
    marked: text => marked.parse(text),
  },
  channels: {
    'JSON in JavaScript': text => JSON.parse(JSON.stringify({ text })).text,
    'JavaScript trim, NFC': text => text.trim().normalize('NFC'),
    'markdown-it + DOMPurify, text of the page': text => shown(markdownIt.render(text)),
    'marked + DOMPurify, text of the page': text => shown(marked.parse(text)),
  },
  cleaners: {
    'out-of-character': text => replace(text),
    'zero-width': text => removeZeroWidth(text),
    'remove-invisible-characters': text => removeInvisibleCharacters(text),
    detergent: text => det(text, { convertEntities: false }).res,
  },
}

const texts = JSON.parse(readFileSync(0, 'utf8'))
const wanted = channels[process.argv[2]]
const results = {}
for (const [name, way] of Object.entries(wanted)) results[name] = texts.map(way)
process.stdout.write(JSON.stringify(results))
