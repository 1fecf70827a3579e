import { describe, expect, test } from 'vitest';

import { Composition } from '../src/composition.ts';
import type { Observed } from '../src/composition.ts';

/** A textarea and what a terminal is sent from it. */
class Field {
    value = '';
    sent = '';
    shown = '';
    readonly composition = new Composition({
        field: this,
        send: (text) => {
            this.sent += text;
        },
        show: (text) => {
            this.shown = text;
        },
    });

    /** An event after which the textarea has `value`, where it is said. */
    on(event: Observed, value = this.value): void {
        this.value = value;
        this.composition.observe(event);
    }

    /** As browsers do: the events of a composition that goes through `steps`, and ends with the last. */
    compose(...steps: string[]): void {
        const before = this.value;
        this.on({ type: 'keydown', key: 'Process', keyCode: 229 });
        this.on({ type: 'compositionstart', data: '' });
        for (const step of steps) {
            this.on({ type: 'compositionupdate', data: step });
            this.on(
                { type: 'input', data: step, inputType: 'insertCompositionText' },
                before + step,
            );
        }
        this.on({ type: 'compositionend', data: steps.at(-1) ?? '' });
    }

    /** A key that types `text`, which xterm sends itself. */
    press(text: string): void {
        this.on({ type: 'keydown', key: text, keyCode: text.toUpperCase().charCodeAt(0) });
        this.on({ type: 'keypress', key: text });
        this.on({ type: 'input', data: text, inputType: 'insertText' }, this.value + text);
    }
}

describe('a composition', () => {
    test('is shown while it lasts, and sent once', () => {
        const field = new Field();
        field.on({ type: 'compositionstart', data: '' });
        field.on({ type: 'compositionupdate', data: 'ㅎ' });
        field.on({ type: 'input', data: 'ㅎ', inputType: 'insertCompositionText' }, 'ㅎ');
        expect([field.sent, field.shown]).toEqual(['', 'ㅎ']);
        field.on({ type: 'compositionupdate', data: '한' });
        field.on({ type: 'compositionend', data: '한' }, '한');
        expect([field.sent, field.shown]).toEqual(['한', '']);
    });

    test('is followed by another without a pause', () => {
        const field = new Field();
        field.compose('ㅎ', '하', '한');
        field.compose('ㄱ', '그', '글');
        expect(field.sent).toBe('한글');
    });

    test('that is deleted back to nothing sends nothing', () => {
        const field = new Field();
        field.compose('ㄴ', '나', 'ㄴ', '');
        field.compose('ㄱ', '가');
        expect(field.sent).toBe('가');
    });

    test('is not repeated where the text comes once more after its end (Firefox)', () => {
        const field = new Field();
        field.compose('ㅎ', '한');
        field.on({ type: 'input', data: '한', inputType: 'insertCompositionText' }, '한');
        expect(field.sent).toBe('한');
    });

    test('is not repeated where its end replaces it (Safari)', () => {
        const field = new Field();
        field.on({ type: 'compositionstart', data: '' });
        field.on({ type: 'compositionupdate', data: '한' });
        field.on({ type: 'input', data: '한', inputType: 'insertCompositionText' }, '한');
        field.on({ type: 'input', data: null, inputType: 'deleteCompositionText' }, '');
        field.on({ type: 'input', data: '한', inputType: 'insertFromComposition' }, '한');
        field.on({ type: 'compositionend', data: '한' });
        expect(field.sent).toBe('한');
    });

    test('is sent before the key that ends it, and not again at its end', () => {
        const field = new Field();
        field.on({ type: 'compositionstart', data: '' });
        field.on({ type: 'compositionupdate', data: '마' });
        field.on({ type: 'input', data: '마', inputType: 'insertCompositionText' }, '마');
        field.on({ type: 'keydown', key: 'Enter', keyCode: 13 });
        expect(field.sent).toBe('마');
        field.on({ type: 'compositionend', data: '마' });
        expect(field.sent).toBe('마');
        field.compose('ㅂ', '바');
        expect(field.sent).toBe('마바');
    });

    test('is sent when the terminal is left', () => {
        const field = new Field();
        field.on({ type: 'compositionstart', data: '' });
        field.on({ type: 'compositionupdate', data: '바' });
        field.on({ type: 'input', data: '바', inputType: 'insertCompositionText' }, '바');
        field.on({ type: 'blur' });
        expect(field.sent).toBe('바');
        field.on({ type: 'compositionend', data: '바' }, '');
        expect(field.sent).toBe('바');
    });

    test.each(['Shift', 'Control', 'Meta', 'AltGraph'])('goes on after %s alone', (key) => {
        const field = new Field();
        field.on({ type: 'compositionstart', data: '' });
        field.on({ type: 'compositionupdate', data: '이' });
        field.on({ type: 'keydown', key, keyCode: 16 });
        expect(field.sent).toBe('');
        field.on({ type: 'compositionupdate', data: '있' });
        field.on({ type: 'compositionend', data: '있' }, '있');
        expect(field.sent).toBe('있');
    });

    test('comes among keys that xterm sends', () => {
        const field = new Field();
        field.press('a');
        field.compose('ㄹ', '라');
        field.press('b');
        expect(field.sent).toBe('라');
    });
});

describe('a browser without composition events', () => {
    test('replaces text, and each syllable is sent once it is another one’s turn', () => {
        const field = new Field();
        const replace = (value: string): void => {
            field.on({ type: 'keydown', key: 'Unidentified', keyCode: 229 });
            field.on({ type: 'input', data: value.at(-1) ?? null, inputType: 'insertText' }, value);
        };
        for (const value of ['ㅎ', '하', '한', '한ㄱ', '한그', '한글']) replace(value);
        expect([field.sent, field.shown]).toEqual(['한', '글']);
        field.on({ type: 'keydown', key: 'Enter', keyCode: 13 });
        expect([field.sent, field.shown]).toEqual(['한글', '']);
    });
});
