// The server's side of the olhubd connector: a Vendure plugin for the shop's own configuration.
//
//   const { OlhubdPlugin } = require('./olhubd');
//   plugins: [..., OlhubdPlugin]
//
// Name it last: it builds upon the price strategy that the configuration has when its turn comes.
//
// Vendure's admin API prices an order from the catalogue and records a payment only as received. A marketplace order
// has its own prices, and cash on delivery is not received yet. This plugin adds what is missing: custom fields for
// the marketplace's facts, prices and delivery costs that follow them, a payment that is promised, and one mutation
// that makes a whole order or none. All of it holds for orders with a marketplace's mark (`externalId`) alone: for the
// shop's own orders every rule of the shop stays as it was.
//
// No decorators, so that it runs as it is from JavaScript and from TypeScript projects alike.

const {
    Allow, ConfigService, Ctx, CustomerService, ForbiddenError, idsAreEqual, isGraphQlErrorResult, LanguageCode,
    OrderService, PaymentMethodEligibilityChecker, PaymentMethodHandler, Permission, PluginCommonModule,
    ShippingCalculator, ShippingEligibilityChecker, StockLevel, StockLocation, Transaction, TransactionalConnection,
    UserInputError, VendurePlugin,
} = require('@vendure/core');
const { Args, Mutation, Query, Resolver } = require('@nestjs/graphql');
const gql = require('graphql-tag');

const say = value => [{ languageCode: LanguageCode.en, value }];
const hidden = { nullable: true, public: false };
const fromMarketplace = order => Boolean(order && order.customFields && order.customFields.externalId);

const orderFields = [
    // Unique: the database itself refuses a second order with the same mark.
    { name: 'externalId', type: 'string', unique: true, ...hidden, label: say('Marketplace order (olhubd)') },
    { name: 'imported', type: 'boolean', ...hidden, label: say('Completely imported') },
    { name: 'marketplaceShipping', type: 'int', ...hidden, label: say('Delivery cost, gross, minor units') },
    { name: 'marketplace', type: 'string', ...hidden, label: say('Marketplace') },
    { name: 'marketplaceLogin', type: 'string', ...hidden, label: say('Buyer login') },
    { name: 'marketplaceEmail', type: 'string', ...hidden, label: say('E-mail of the buyer') },
    { name: 'marketplaceDelivery', type: 'text', ...hidden, label: say('Delivery and pick-up point') },
    { name: 'marketplaceNote', type: 'text', ...hidden, label: say('Note of the buyer') },
    { name: 'marketplaceInvoice', type: 'text', ...hidden, label: say('Invoice to, tax numbers') },
];

const lineFields = [
    { name: 'marketplaceLineId', type: 'string', ...hidden, label: say('Marketplace line') },
    { name: 'marketplacePrice', type: 'int', ...hidden, label: say('Gross price of one, minor units') },
    { name: 'marketplaceTitle', type: 'string', length: 1000, ...hidden, label: say('Title at the marketplace') },
    { name: 'marketplaceOffer', type: 'string', ...hidden, label: say('Offer at the marketplace') },
];

/** The marketplace's price where the line has one, else what `otherwise` says. */
class MarketplacePrice {
    constructor(otherwise) {
        this.otherwise = otherwise;
    }
    async init(injector) {
        if (this.otherwise.init) await this.otherwise.init(injector);
    }
    async destroy() {
        if (this.otherwise.destroy) await this.otherwise.destroy();
    }
    calculateUnitPrice(ctx, variant, fields, order, quantity) {
        if (fields && fields.marketplacePrice != null) {
            return { price: fields.marketplacePrice, priceIncludesTax: true };
        }
        return this.otherwise.calculateUnitPrice(ctx, variant, fields, order, quantity);
    }
}

const shippingCalculator = new ShippingCalculator({
    code: 'olhubd-shipping',
    description: say('What the buyer paid the marketplace for delivery'),
    args: { taxRate: { type: 'int', defaultValue: 23, label: say('Tax rate, per cent') } },
    calculate: (ctx, order, args) => ({
        price: order.customFields.marketplaceShipping || 0,
        priceIncludesTax: true,
        taxRate: args.taxRate,
    }),
});

/** Keeps a delivery method away from the shop's own customers. */
const shippingChecker = new ShippingEligibilityChecker({
    code: 'olhubd-only',
    description: say('Only orders from marketplaces'),
    args: {},
    check: (ctx, order) => fromMarketplace(order),
});

/** Keeps a payment method away from the shop's own customers. */
const paymentChecker = new PaymentMethodEligibilityChecker({
    code: 'olhubd-only',
    description: say('Only orders from marketplaces'),
    args: {},
    check: (ctx, order) => fromMarketplace(order),
});

/** Authorized at once, settled when the money is there; takes no money by itself. Not for shop customers. */
const paymentHandler = new PaymentMethodHandler({
    code: 'olhubd-payment',
    description: say('Paid at the marketplace, or on delivery'),
    args: {},
    createPayment: (ctx, order, amount, args, metadata) => {
        if (ctx.apiType !== 'admin') throw new ForbiddenError();
        return { amount, state: 'Authorized', transactionId: metadata.transactionId, metadata };
    },
    settlePayment: () => ({ success: true }),
    cancelPayment: () => ({ success: true }),
});

const SENT_UNPAID = ['PartiallyShipped', 'Shipped', 'PartiallyDelivered', 'Delivered'];

/** Cash on delivery is sent before it is paid. What else is only authorized is sent where the shop allows it. */
const cashProcess = {
    transitions: { PaymentAuthorized: { to: SENT_UNPAID, mergeStrategy: 'merge' } },
    init(injector) {
        const others = injector.get(ConfigService).orderOptions.process.filter(one => one !== cashProcess);
        const from = others.map(one => (one.transitions || {}).PaymentAuthorized);
        this.allowed = new Set(from.flatMap(one => (one && one.to) || []));
    },
    onTransitionStart(fromState, toState, { order }) {
        if (fromState !== 'PaymentAuthorized' || !SENT_UNPAID.includes(toState)) return;
        if (!fromMarketplace(order) && !this.allowed.has(toState)) return 'message.cannot-transition-order-from-to';
    },
};
cashProcess.init = cashProcess.init.bind(cashProcess);
cashProcess.onTransitionStart = cashProcess.onTransitionStart.bind(cashProcess);

/** The buyer has paid the marketplace's price: no promotion of the shop applies to it. */
function keepFromMarketplaces(condition) {
    const check = condition.check.bind(condition);
    condition.check = async (ctx, order, ...rest) => !fromMarketplace(order) && check(ctx, order, ...rest);
}

/**
 * All pieces of a marketplace's order are allocated, those too that are not there any more when it is paid: they are
 * sold. Vendure allocates no more than there is, and the rest would be in none of the shop's numbers. Nor are more
 * allocated than were bought: Vendure asks each further location for the whole quantity, not for the rest of it, and
 * what is too much would never be given back.
 */
function allocateWhole(strategy, connection) {
    const allocate = strategy.forAllocation.bind(strategy);
    strategy.forAllocation = async (ctx, locations, line, quantity) => {
        const all = await allocate(ctx, locations, line, quantity);
        if (!(line.customFields && line.customFields.marketplaceLineId)) return all;
        let missing = quantity;
        const found = all.map(one => {
            const taken = Math.min(one.quantity, missing);
            missing -= taken;
            return { ...one, quantity: taken };
        }).filter(one => one.quantity > 0);
        if (missing <= 0) return found;
        const [first, ...others] = found.length ? found : await emptied(ctx, connection, line);
        return first ? [{ ...first, quantity: first.quantity + missing }, ...others] : found;
    };
}

/** Where the pieces of a line have been, the channel's first location before others. */
async function emptied(ctx, connection, line) {
    const locations = await connection.getRepository(ctx, StockLocation)
        .find({ where: { channels: { id: ctx.channelId } }, order: { createdAt: 'ASC', id: 'ASC' } });
    const levels = await connection.getRepository(ctx, StockLevel)
        .find({ where: { productVariantId: line.productVariantId } });
    return locations
        .filter(location => levels.some(level => idsAreEqual(level.stockLocationId, location.id)))
        .map(location => ({ location, quantity: 0 })).slice(0, 1);
}

/**
 * The handlers of the shop's e-mail plugin, silent about orders from marketplaces:
 *
 *   EmailPlugin.init({ handlers: quiet(defaultEmailHandlers), ... })
 */
function quiet(handlers) {
    return handlers.map(handler => handler.filter(event => !fromMarketplace(event.order)));
}

/** Ends a transaction, so that nothing of it stays. `about` names the part, `line` is the place of a line. */
class Refusal extends Error {
    constructor(errorCode, message, about, line) {
        super(message);
        Object.assign(this, { errorCode, about, line });
    }
}

class MarketplaceResolver {
    constructor(connection, orders, customers) {
        Object.assign(this, { connection, orders, customers });
    }

    marketplaceOrders() {
        return 1;
    }

    /** All or nothing: what a step refuses, or what fails, leaves no trace. */
    async createMarketplaceOrder(ctx, { input }) {
        if (!ctx.userHasPermissions([Permission.UpdateOrder])) throw new ForbiddenError();
        try {
            const id = await this.connection.withTransaction(ctx, inner => this.make(inner, input));
            return { order: await this.orders.findOne(ctx, id) };
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            const { errorCode, message, about, line } = error;
            return { refusal: { errorCode, message, about, line } };
        }
    }

    async make(ctx, input) {
        const { orders } = this;
        const step = (about, act) => this.step(ctx, about, act);
        const { id } = await orders.createDraft(ctx);
        await orders.updateCustomFields(ctx, id, input.customFields);
        await step('the customer', async () => {
            const customer = input.customerId
                ? await this.customers.findOne(ctx, input.customerId)
                : await this.customers.createOrUpdate(ctx, input.customer, true);
            if (!customer) throw new Refusal('ENTITY_NOT_FOUND', 'the customer is not there any more', 'the customer');
            return isGraphQlErrorResult(customer) ? customer : orders.addCustomerToOrder(ctx, id, customer);
        });
        await this.fill(ctx, id, input.lines);
        await step('the delivery address', () => orders.setShippingAddress(ctx, id, input.shippingAddress));
        if (input.billingAddress) {
            await step('the billing address', () => orders.setBillingAddress(ctx, id, input.billingAddress));
        }
        await step('the delivery method', () => orders.setShippingMethod(ctx, id, [input.shippingMethodId]));
        const filled = await orders.findOne(ctx, id);
        if (filled.totalWithTax !== input.total) {
            throw new Refusal('TOTAL', this.sums(filled), 'the total');
        }
        await step('the order', () => orders.transitionToState(ctx, id, 'ArrangingPayment'));
        await step('the payment', () => this.pay(ctx, id, input));
        await orders.updateCustomFields(ctx, id, { imported: true });
        const made = await orders.findOne(ctx, id);
        if (made.state !== input.goal) {
            throw new Refusal('STATE', `it became ${made.state} where ${input.goal} was meant`, 'the order');
        }
        return id;
    }

    async fill(ctx, id, lines) {
        const { order, errorResults } = await this.orders.addItemsToOrder(ctx, id, lines);
        const { errorCode, message, ...facts } = errorResults[0] || {};
        if (!errorCode) return;
        const there = wanted => order.lines.some(line =>
            idsAreEqual(line.productVariantId, wanted.productVariantId)
            && line.customFields.marketplaceLineId === (wanted.customFields || {}).marketplaceLineId
            && line.quantity === wanted.quantity);
        const missing = lines.findIndex(line => !there(line));
        throw new Refusal(errorCode, this.words(ctx, errorCode, facts), null, missing < 0 ? null : missing);
    }

    pay(ctx, orderId, { goal, paymentMethod: method, transactionId, reference }) {
        if (goal === 'PaymentSettled') {
            const metadata = { reference };
            return this.orders.addManualPaymentToOrder(ctx, { orderId, method, transactionId, metadata });
        }
        if (goal === 'PaymentAuthorized') {
            return this.orders.addPaymentToOrder(ctx, orderId, { method, metadata: { transactionId } });
        }
    }

    /** Carry out one step. What it refuses, by an answer or by an error with a code, ends the transaction. */
    async step(ctx, about, act) {
        let result;
        try {
            result = await act();
        } catch (error) {
            // An error of Vendure's own for what was given; anything else is a failure and stays one.
            if (error instanceof Refusal || !['USER_INPUT_ERROR', 'ENTITY_NOT_FOUND'].includes(error.code)) throw error;
            throw new Refusal(error.code, ctx.translate(error.message, error.variables), about);
        }
        if (isGraphQlErrorResult(result)) {
            const { errorCode, message, transitionError, ...facts } = result;
            throw new Refusal(errorCode, transitionError || this.words(ctx, errorCode, facts), about);
        }
    }

    words(ctx, errorCode, { order, ...facts }) {
        return ctx.translate(`errorResult.${errorCode}`, facts);
    }

    /** What the shop makes of the order, for the one who has to find out why it is not the buyer's sum. */
    sums(order) {
        return JSON.stringify({
            totalWithTax: order.totalWithTax,
            shippingWithTax: order.shippingWithTax,
            discounts: order.discounts.map(one => one.description),
            lines: order.lines.map(line => [line.customFields.marketplaceLineId, line.unitPriceWithTax]),
        });
    }

    async addMarketplacePayment(ctx, { input }) {
        const { orderId, method, transactionId } = input;
        const result = await this.orders.addPaymentToOrder(ctx, orderId, { method, metadata: { transactionId } });
        if (isGraphQlErrorResult(result)) throw new UserInputError(result.message);
        return result;
    }
}
const injected = (kind, ...services) => Reflect.defineMetadata('design:paramtypes', services, kind);
injected(MarketplaceResolver, TransactionalConnection, OrderService, CustomerService);
Resolver()(MarketplaceResolver);
{
    const resolver = MarketplaceResolver.prototype;
    const expose = (name, ...decorators) => {
        Ctx()(resolver, name, 0);
        Args()(resolver, name, 1);
        const descriptor = Object.getOwnPropertyDescriptor(resolver, name);
        for (const decorate of decorators) decorate(resolver, name, descriptor);
    };
    expose('marketplaceOrders', Allow(Permission.Authenticated), Query());
    expose('createMarketplaceOrder', Allow(Permission.CreateOrder), Mutation());
    expose('addMarketplacePayment', Transaction(), Allow(Permission.UpdateOrder), Mutation());
}

const schema = gql`
    input MarketplacePaymentInput {
        orderId: ID!
        method: String!
        transactionId: String
    }
    input MarketplaceLineInput {
        productVariantId: ID!
        quantity: Int!
        customFields: JSON
    }
    input MarketplaceOrderInput {
        "Our mark, which the payment tells as well."
        reference: String!
        customFields: JSON!
        customerId: ID
        customer: CreateCustomerInput
        lines: [MarketplaceLineInput!]!
        shippingAddress: CreateAddressInput!
        billingAddress: CreateAddressInput
        shippingMethodId: ID!
        "What the buyer pays, in minor units; another total is refused."
        total: Int!
        "ArrangingPayment, PaymentAuthorized or PaymentSettled."
        goal: String!
        paymentMethod: String!
        transactionId: String
    }
    type MarketplaceRefusal {
        errorCode: String!
        message: String!
        about: String
        line: Int
    }
    "One of both."
    type MarketplaceOrderResult {
        order: Order
        refusal: MarketplaceRefusal
    }
    extend type Query {
        "The version of createMarketplaceOrder."
        marketplaceOrders: Int!
    }
    extend type Mutation {
        "Make a whole order in one transaction: what is refused leaves nothing."
        createMarketplaceOrder(input: MarketplaceOrderInput!): MarketplaceOrderResult!
        "Promise the outstanding amount of an order: it becomes PaymentAuthorized and its stock is allocated."
        addMarketplacePayment(input: MarketplacePaymentInput!): Order!
    }
`;

class OlhubdPlugin {
    constructor(config, connection) {
        this.config = config;
        this.connection = connection;
    }
    // Not while the configuration is put together: a plugin after this one may add conditions or another strategy.
    onApplicationBootstrap() {
        this.config.promotionOptions.promotionConditions.forEach(keepFromMarketplaces);
        allocateWhole(this.config.catalogOptions.stockLocationStrategy, this.connection);
    }
}
injected(OlhubdPlugin, ConfigService, TransactionalConnection);

VendurePlugin({
    imports: [PluginCommonModule],
    compatibility: '^3.1.7',
    adminApiExtensions: { schema, resolvers: [MarketplaceResolver] },
    configuration: config => {
        config.customFields.Order.push(...orderFields);
        config.customFields.OrderLine.push(...lineFields);
        const { orderOptions, paymentOptions, shippingOptions } = config;
        orderOptions.orderItemPriceCalculationStrategy =
            new MarketplacePrice(orderOptions.orderItemPriceCalculationStrategy);
        orderOptions.process.push(cashProcess);
        paymentOptions.paymentMethodHandlers.push(paymentHandler);
        paymentOptions.paymentMethodEligibilityCheckers =
            [...(paymentOptions.paymentMethodEligibilityCheckers || []), paymentChecker];
        shippingOptions.shippingCalculators.push(shippingCalculator);
        shippingOptions.shippingEligibilityCheckers.push(shippingChecker);
        return config;
    },
})(OlhubdPlugin);

module.exports = { OlhubdPlugin, quiet };
