// Who is let in.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CHROMIUM, World, shows } from './world.ts';

describe.skipIf(!CHROMIUM)('doors', () => {
    let world: World;
    beforeAll(async () => {
        world = await World.begin();
    });
    afterAll(() => world.end());

    test('the token leaves the address, and no script can read it', async () => {
        const { page, context } = await world.open();
        expect(page.url()).not.toContain('token');
        expect(await page.evaluate(() => document.cookie)).toBe('');
        const [cookie] = await context.cookies();
        expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
        await page.goBack();
        expect(page.url()).not.toContain('token');
        await context.close();
    });

    test('a wrong token is told where the right one is', async () => {
        const url = world.url.replace(/token=.*/, 'token=of-another-daemon');
        const { page, context } = await world.visit({ url });
        await page.getByText('aim-backend status').waitFor();
        await context.close();
    });

    test('a page that loses its cookie says so', async () => {
        const { page, context } = await world.open();
        await context.clearCookies();
        await page.reload();
        await page.getByText('aim-backend status').waitFor();
        await context.close();
    });

    test('another site can neither call, nor connect, nor frame', async () => {
        const { page, context } = await world.open();
        const origin = new URL(world.url).origin;
        const server = createServer((_, answer) => {
            answer.setHeader('content-type', 'text/html');
            answer.end(`<!doctype html><iframe src="${origin}/"></iframe>`);
        });
        await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
        const evil = await context.newPage();
        await evil.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
        const outcome = await evil.evaluate(async (daemon) => {
            const call = await fetch(`${daemon}/api/v1/projects`, { credentials: 'include' }).then(
                () => 'answered',
                () => 'refused',
            );
            const socket = new WebSocket(`${daemon.replace('http', 'ws')}/api/ws/terminal/demo`);
            const connection = await new Promise((told) => {
                socket.onopen = () => {
                    told('open');
                };
                socket.onerror = () => {
                    told('refused');
                };
            });
            return { call, connection };
        }, origin);
        expect(outcome).toEqual({ call: 'refused', connection: 'refused' });
        const framed = evil.frames().filter((frame) => frame.url().startsWith(origin));
        for (const frame of framed) expect(await frame.locator('#root').count()).toBe(0);
        server.close();
        await shows(page, 'demo$ ');
        await context.close();
    });
});
