"""What shops call their columns, in Chinese and English, and the fields that we mean."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

Kind = Literal["orders", "products", "coupons"]

_ORDERS = {
    "order_id": "订单号 订单编号 订单id 主订单编号 单号 order order_no number order_number name",
    "status": "状态 订单状态 交易状态 order_status state financial_status",
    "placed_at": "下单时间 订单创建时间 创建时间 ordered_at created_at order_date date created",
    "paid_at": "付款时间 支付时间 订单付款时间 payment_time paid_time date_paid paid",
    "shipped_at": "发货时间 shipping_time fulfilled_at dispatched_at shipped_date",
    "cancelled_at": "取消时间 关闭时间 canceled_at",
    "refunded_at": "退款时间 refund_time",
    "updated_at": "更新时间 修改时间 updated modified_at last_modified",
    "customer_id": "顾客编号 客户编号 会员编号 用户id customer buyer_id user_id",
    "customer_name": "顾客姓名 客户姓名 收货人 收货人姓名 收件人 买家昵称 姓名 buyer recipient "
    "shipping_name billing_name",
    "phone": "电话 手机 手机号 手机号码 联系电话 联系手机 收货人手机 mobile telephone tel "
    "customer_phone phone_number shipping_phone billing_phone",
    "email": "邮箱 电子邮箱 电子邮件 e_mail customer_email mail",
    "language": "语言 customer_language locale",
    "items": "商品 商品清单 商品明细 宝贝信息 products goods",
    "item_name": "商品名称 商品标题 宝贝标题 宝贝名称 item product product_name "
    "lineitem_name title",
    "item_sku": "商品编码 商家编码 货号 sku lineitem_sku",
    "item_quantity": "数量 商品数量 购买数量 宝贝数量 quantity qty lineitem_quantity",
    "item_price": "单价 商品单价 商品价格 unit_price price lineitem_price",
    "amount": "金额 订单金额 总金额 实付金额 实付款 应付金额 买家实际支付金额 total order_total "
    "total_price grand_total",
    "currency": "币种 货币 currency_code",
    "carrier": "快递公司 物流公司 承运商 快递 courier shipping_company tracking_company",
    "tracking_number": "快递单号 物流单号 运单号 tracking tracking_no waybill",
    "city": "城市 市 收货城市 shipping_city",
    "region": "省 省份 地区 州 province state_province shipping_province",
    "country": "国家 country_code shipping_country",
}
_PRODUCTS = {
    "sku": "货号 商品编码 商家编码 商品编号 编码 id product_id item_no variant_sku",
    "name": "商品名称 名称 商品 标题 title product product_name",
    "url": "链接 商品链接 网址 link product_url",
    "price": "价格 单价 售价 variant_price",
    "currency": "币种 货币 currency_code",
    "stock": "库存 库存数量 数量 quantity qty inventory variant_inventory_qty",
    "updated_at": "更新时间 修改时间 updated modified_at last_modified",
    "attributes": "属性 规格 attribute properties",
    "size_chart": "尺码表 尺码 尺寸表 size_guide sizes",
    "ingredients": "成分 配料 配料表 材料成分",
    "material": "材质 面料 materials fabric",
    "care": "洗护 洗涤说明 保养 护理 洗护说明 care_instructions washing",
    "description": "描述 商品描述 详情 body",
}
_COUPONS = {
    "code": "券码 优惠码 优惠券码 兑换码 卡号 编码 代码 coupon coupon_code "
    "discount_code promo_code",
    "value": "面值 面额 金额 优惠 折扣 价值 amount discount worth",
    "expires_at": "到期 到期日 到期时间 有效期 有效期至 过期时间 截止日期 失效时间 "
    "expires expiry expiry_date expiration_date valid_until until",
}
REQUIRED: dict[Kind, str] = {"orders": "order_id", "products": "sku", "coupons": "code"}
"""The field without which a line says nothing."""


def _plain(header: str) -> str:
    """A header without case, width, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", header).casefold())


def _aliases(names: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """The field that each alias means, and how surely: 0 is surest."""
    return {
        _plain(alias): (rank, field)
        for field, said in names.items()
        for rank, alias in enumerate((field, *said.split()))
    }


_KNOWN: dict[Kind, dict[str, tuple[int, str]]] = {
    "orders": _aliases(_ORDERS),
    "products": _aliases(_PRODUCTS),
    "coupons": _aliases(_COUPONS),
}
FIELDS: dict[Kind, frozenset[str]] = {
    "orders": frozenset(_ORDERS),
    "products": frozenset(_PRODUCTS),
    "coupons": frozenset(_COUPONS),
}
"""All fields that a line can have."""


def fields_of(kind: Kind, header: list[str]) -> list[str]:
    """The field of each column, empty for one that we do not know; each field once."""
    known = [_KNOWN[kind].get(_plain(name)) for name in header]
    surest = {field: rank for rank, field in sorted(filter(None, known), reverse=True)}
    found: list[str] = []
    for one in known:
        is_it = one is not None and surest[one[1]] == one[0] and one[1] not in found
        found.append(one[1] if one is not None and is_it else "")
    return found
